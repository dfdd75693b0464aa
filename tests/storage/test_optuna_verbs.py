"""Under Optuna's names our storages answer as Optuna's own do, errors included."""

import datetime as dt
import math

import optuna
import pytest

from raystudy import distributions
from raystudy.creating import create_trial
from raystudy.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import BaseStorage

optuna.logging.set_verbosity(optuna.logging.ERROR)

KINDS = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Session:
    """Calls the same method of two storages with the same arguments and demands the same outcome.

    An id is kept as the pair of our id and theirs.
    """

    def __init__(self, ours, theirs):
        self.ours, self.theirs = ours, theirs

    def __call__(self, method, *args):
        ours = outcome(self.ours, method, [argument(arg, 0, distributions) for arg in args])
        theirs = outcome(self.theirs, method, [argument(arg, 1, optuna.distributions) for arg in args])
        if method in {"create_new_study", "create_new_trial", "get_study_id_from_name"}:
            assert type(ours) is type(theirs), method
            return (ours, theirs) if isinstance(ours, int) else ours
        assert repr(ours) == repr(theirs), method
        return ours


def argument(arg, side, library):
    """An argument as one of the two sides takes it."""
    if isinstance(arg, tuple):
        return arg[side]
    if callable(arg):
        return arg(library)
    if side == 1 and isinstance(arg, TrialState):
        return optuna.trial.TrialState(arg)
    if side == 1 and isinstance(arg, list) and isinstance(arg[0], StudyDirection):
        return [optuna.study.StudyDirection(direction) for direction in arg]
    return arg


def outcome(storage, method, args):
    try:
        return plain(getattr(storage, method)(*args))
    except (KeyError, ValueError, RuntimeError, optuna.exceptions.OptunaError, DuplicatedStudyError) as error:
        return type(error).__name__


def plain(value):
    """A value of either library, without ids and times."""
    if hasattr(value, "intermediate_values"):
        names = ("number", "values", "params", "user_attrs", "system_attrs", "intermediate_values")
        by_name = {name: getattr(value, name) for name in names}
        return by_name | {"state": value.state.name, "ended": value.datetime_complete is not None}
    if hasattr(value, "study_name"):
        return value.study_name, value.user_attrs, value.system_attrs, plain(value.directions)
    if isinstance(value, list):
        return [item.name if hasattr(item, "name") else plain(item) for item in value]
    return value


@pytest.fixture
def both(storage):
    theirs = optuna.storages.RDBStorage("sqlite://")
    yield Session(storage, theirs)
    theirs.engine.dispose()


def test_studies_answer_alike(both):
    study = both("create_new_study", [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE], "two")
    assert both("create_new_study", [StudyDirection.MINIMIZE], "two") == "DuplicatedStudyError"
    both("create_new_study", [StudyDirection.MINIMIZE], "one")
    both("set_study_user_attr", study, "a", [1, None, math.inf])
    both("set_study_system_attr", study, "study:metric_names", ["x", "y"])
    for verb in ("name_from_id", "directions", "user_attrs", "system_attrs"):
        both(f"get_study_{verb}", study)
        assert both(f"get_study_{verb}", 10**6) == "KeyError"
    assert both("set_study_user_attr", 10**6, "a", 1) == "KeyError"
    assert both("get_study_id_from_name", "two") == study
    assert both("get_study_id_from_name", "three") == "KeyError"
    assert len(both("get_all_studies")) == 2
    both("delete_study", study)
    assert both("delete_study", study) == "KeyError"
    assert len(both("get_all_studies")) == 1


@pytest.mark.parametrize("final", KINDS[1:])
def test_the_life_of_a_trial_is_told_alike(both, final):
    study = both("create_new_study", [StudyDirection.MINIMIZE], "s")
    trial = both("create_new_trial", study)
    both("set_trial_param", trial, "lr", 0.25, lambda of: of.FloatDistribution(0, 1))
    both("set_trial_param", trial, "kind", 1, lambda of: of.CategoricalDistribution(["a", None]))
    both("set_trial_intermediate_value", trial, 3, math.nan)
    both("set_trial_user_attr", trial, "u", {"deep": [1]})
    both("set_trial_system_attr", trial, "fixed_params", {"lr": 0.25})
    assert both("set_trial_state_values", trial, TrialState.RUNNING) is False
    assert both("set_trial_state_values", trial, final, None if final is TrialState.FAIL else [0.5]) is True
    reads = ("", "_number_from_id", "_params", "_user_attrs", "_system_attrs")
    for verb in reads:
        both(f"get_trial{verb}", trial)
        assert both(f"get_trial{verb}", 10**6) == "KeyError"
    assert both("get_trial_param", trial, "kind") == 1
    assert both("get_trial_param", trial, "no") == "KeyError"
    for state in KINDS:
        both("get_n_trials", study, state)
    assert len(both("get_all_trials", study)) == both("get_n_trials", study) == 1


def test_a_finished_or_missing_trial_is_refused_alike(both):
    study = both("create_new_study", [StudyDirection.MINIMIZE], "s")
    done = both("create_new_trial", study)
    both("set_trial_state_values", done, TrialState.COMPLETE, [1.0])
    for trial, error in ((done, "UpdateFinishedTrialError"), (10**6, "KeyError")):
        assert both("set_trial_param", trial, "x", 0.5, lambda of: of.FloatDistribution(0, 1)) == error
        assert both("set_trial_intermediate_value", trial, 0, 1.0) == error
        assert both("set_trial_user_attr", trial, "a", 1) == error
        assert both("set_trial_system_attr", trial, "a", 1) == error
        assert both("set_trial_state_values", trial, TrialState.RUNNING) == error
        assert both("set_trial_state_values", trial, TrialState.COMPLETE, [1.0]) == error
    assert both("check_trial_is_updatable", done, TrialState.PRUNED) == "UpdateFinishedTrialError"
    assert both("check_trial_is_updatable", done, TrialState.WAITING) is None
    assert both("create_new_trial", 10**6) == "KeyError"
    assert both("get_all_trials", 10**6) == "KeyError"
    both("get_trial", done)


def test_a_parameter_of_another_kind_is_refused_alike(both):
    study = both("create_new_study", [StudyDirection.MINIMIZE], "s")
    trials = [both("create_new_trial", study) for _ in range(2)]
    both("set_trial_param", trials[0], "x", 0.5, lambda of: of.FloatDistribution(0, 1))
    for make in (lambda of: of.IntDistribution(0, 1), lambda of: of.FloatDistribution(0.1, 1, log=True)):
        assert both("set_trial_param", trials[1], "x", 1.0, make) == "ValueError"
    assert both("set_trial_param", trials[1], "x", 5.0, lambda of: of.FloatDistribution(0, 9)) is None
    both("get_trial", trials[1])


@pytest.mark.parametrize("direction", [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE])
def test_the_best_trial_is_the_same(both, direction):
    study = both("create_new_study", [direction], "s")
    assert both("get_best_trial", study) == "ValueError"
    for value in (0.5, -math.inf, 2.5, math.inf, -1.0):
        trial = both("create_new_trial", study)
        both("set_trial_state_values", trial, TrialState.COMPLETE, [value])
        both("get_best_trial", study)
    several = both("create_new_study", [direction, direction], "several")
    assert both("get_best_trial", several) == "RuntimeError"
    assert both("get_best_trial", 10**6) == "KeyError"


def test_a_waiting_trial_is_started_once(both):
    study = both("create_new_study", [StudyDirection.MINIMIZE], "s")
    waiting = create_trial(state=TrialState.WAITING, system_attrs={"fixed_params": {"x": 1}})
    ours, theirs = both.ours, both.theirs
    template = optuna.trial.create_trial(
        state=optuna.trial.TrialState.WAITING, system_attrs=waiting.system_attrs
    )
    trial = (ours.create_new_trial(study[0], waiting), theirs.create_new_trial(study[1], template))
    both("get_trial", trial)
    assert both("set_trial_state_values", trial, TrialState.RUNNING) is True
    assert both("set_trial_state_values", trial, TrialState.RUNNING) is False
    assert ours.get_trial(trial[0]).datetime_start is not None
    assert both("get_trial_number_from_id", trial) == 0
    assert ours.get_trial_id_from_study_id_trial_number(study[0], 0) == trial[0]
    assert both("get_trial_id_from_study_id_trial_number", study, 1) == "KeyError"


def test_a_template_is_copied_whole(storage, study_id):
    template = create_trial(
        value=0.5,
        params={"x": 0.25},
        distributions={"x": distributions.FloatDistribution(0, 1)},
        user_attrs={"u": 1},
        system_attrs={"s": 2},
        intermediate_values={0: math.inf},
    )
    trial = storage.get_trial(storage.create_new_trial(study_id, template))
    assert plain(trial) == plain(template) | {"number": 0}
    assert abs(trial.datetime_start - template.datetime_start) < dt.timedelta(
        seconds=1
    )  # MySQL has whole ones
    assert trial.datetime_start <= trial.datetime_complete


def test_a_deep_copy_may_be_changed_freely(storage, study_id):
    trial = storage.create_new_trial(study_id)
    storage.set_trial_user_attr(trial, "a", [1])
    storage.set_trial_state_values(trial, TrialState.PRUNED)
    storage.get_all_trials(study_id)[0].user_attrs["a"].append(2)
    assert storage.get_all_trials(study_id, deepcopy=False)[0].user_attrs == {"a": [1]}


def test_what_makes_no_sense_is_refused(storage, study_id):
    trial = storage.create_new_trial(study_id)
    with pytest.raises(ValueError, match="WAITING"):
        storage.set_trial_state_values(trial, TrialState.WAITING)
    with pytest.raises(ValueError, match="RUNNING"):
        storage.set_trial_state_values(trial, TrialState.RUNNING, [1.0])
    with pytest.raises(ValueError, match="expected values for a COMPLETE trial"):
        storage.set_trial_state_values(trial, TrialState.COMPLETE)
    with pytest.raises(UpdateFinishedTrialError, match=r"Trial#0 .* can not be updated"):
        storage.check_trial_is_updatable(trial, TrialState.FAIL)


def test_every_public_method_of_optunas_storages_exists_here(storage):
    assert isinstance(storage, BaseStorage)
    wanted = {name for name in dir(optuna.storages.BaseStorage) if not name.startswith("_")}
    assert wanted <= set(dir(storage))


def test_studies_without_a_name_get_one_of_their_own(storage):
    ids = [storage.create_new_study([StudyDirection.MINIMIZE]) for _ in range(2)]
    names = [storage.get_study_name_from_id(study_id) for study_id in ids]
    assert len(set(names)) == 2
    assert all(name.startswith("no-name-") for name in names)
    assert storage.remove_session() is None
    assert storage.get_all_studies()[0].direction is StudyDirection.MINIMIZE
