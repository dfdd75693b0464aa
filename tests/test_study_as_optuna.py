"""Studies that are built and read in the same way with raystudy and with Optuna, which says what is right."""

# ruff: noqa: PT011 - what the two libraries agree on is the type of an error, not its text.
from __future__ import annotations

import copy
import gc
import json
import math
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna
import pandas as pd
import pytest

import raystudy
from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.frozen import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)

BOTH = pytest.mark.parametrize("library", [optuna, raystudy], ids=["optuna", "raystudy"])


def run(study: Any, objective: Callable[[Any], Any], **options: Any) -> None:
    """Optimise quietly with either library."""
    if isinstance(study, raystudy.Study):
        options |= {"executor": "inline", "show_progress_bar": False}
    study.optimize(objective, **options)


def trial_of(library: ModuleType, **parts: Any) -> Any:
    """Make a trial of two parameters with either library."""
    named = library.distributions
    space = {"x": named.FloatDistribution(0, 10), "kind": named.CategoricalDistribution(("a", "b"))}
    return library.create_trial(**({"params": {"x": 1.0, "kind": "a"}, "distributions": space} | parts))


def several(library: ModuleType) -> Any:
    """Return a study of two objectives with trials of all kinds."""
    study = library.create_study(directions=["minimize", "maximize"])
    states = library.trial.TrialState
    for values in ([1.0, 1.0], [2.0, 2.0], [2.0, 1.0], [1.0, 1.0], [3.0, math.inf], [0.5, -1.0]):
        study.add_trial(trial_of(library, values=values, user_attrs={"note": values[0]}))
    study.add_trial(trial_of(library, values=[0.0, 9.0], constraints={"size": 1.0}))
    study.add_trial(trial_of(library, state=states.FAIL))
    study.add_trial(trial_of(library, state=states.PRUNED, intermediate_values={1: 0.5}))
    return study


@BOTH
def test_best_trials_are_those_that_no_feasible_trial_dominates(library: ModuleType) -> None:
    assert [trial.number for trial in several(library).best_trials] == [0, 1, 3, 4, 5]


@BOTH
def test_best_trials_of_one_objective_are_all_that_have_the_best_value(library: ModuleType) -> None:
    study = library.create_study(direction="maximize")
    study.add_trials([trial_of(library, value=value) for value in (1.0, 3.0, 2.0, 3.0)])
    assert [trial.number for trial in study.best_trials] == [1, 3]
    assert library.create_study().best_trials == []


@BOTH
def test_a_study_keeps_the_names_of_its_metrics(library: ModuleType) -> None:
    study = several(library)
    assert study.metric_names is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.set_metric_names(["loss", "gain"])
        with pytest.raises(ValueError):
            study.set_metric_names(["loss"])
    assert study.metric_names == ["loss", "gain"]


def optunas_frame(make: Callable[[ModuleType], Any], **options: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the dataframes of the same study made with both, without what differs from run to run."""
    frames = [make(library).trials_dataframe(**options) for library in (optuna, raystudy)]
    for frame in frames:
        times = [c for c in frame.columns if "date" in str(c) or "duration" in str(c)]
        for name in times:
            frame[name] = frame[name].isna()
    return frames[0], frames[1]


def mixed(library: ModuleType) -> Any:
    """Return a study of one objective with conditional parameters and attributes."""
    named, states = library.distributions, library.trial.TrialState
    study = library.create_study()
    study.add_trial(trial_of(library, value=0.5, user_attrs={"b": [1, 2], "a": "text"}))
    study.add_trial(trial_of(library, state=states.FAIL))
    study.add_trial(
        library.create_trial(
            params={"n": 3}, distributions={"n": named.IntDistribution(1, 5)}, value=math.inf
        )
    )
    study.enqueue_trial({"x": 2.0})
    return study


@pytest.mark.parametrize("multi_index", [False, True])
@pytest.mark.parametrize("make", [several, mixed], ids=["several", "mixed"])
def test_the_dataframe_is_optunas(make: Callable[[ModuleType], Any], multi_index: bool) -> None:
    theirs, ours = optunas_frame(make, multi_index=multi_index)
    drop = [c for c in ours.columns if "constraints" in str(c)]  # ours are written for the dashboard, too
    pd.testing.assert_frame_equal(
        ours.drop(columns=drop), theirs.drop(columns=[c for c in theirs.columns if "constraints" in str(c)])
    )


def test_a_dataframe_of_chosen_attributes_and_named_metrics_is_optunas() -> None:
    def named_metrics(library: ModuleType) -> Any:
        study = several(library)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study.set_metric_names(["loss", "gain"])
        return study

    options = {"attrs": ("number", "state", "value", "_trial_id", "intermediate_values")}
    theirs, ours = optunas_frame(named_metrics, **options)
    pd.testing.assert_frame_equal(ours.drop(columns="trial_id"), theirs.drop(columns="trial_id"))
    assert list(ours.columns) == list(theirs.columns)


def test_the_dataframe_of_an_empty_study_is_empty() -> None:
    assert raystudy.create_study().trials_dataframe().empty


@BOTH
def test_an_enqueued_trial_that_exists_is_left_out(library: ModuleType) -> None:
    study = library.create_study()
    study.add_trial(trial_of(library, value=0.0))
    for params in (
        {"x": 1.0, "kind": "a"},  # exists
        {"x": 1.0 + 1e-9, "kind": "a"},  # nearly the same number
        {"x": 1.0},  # other names
        {"x": 1.0, "kind": "b"},
        {"x": 1.0, "kind": "b"},  # waits already
        {"x": math.nan},
        {"x": math.nan},
    ):
        study.enqueue_trial(params, skip_if_exists=True)
    assert len(study.trials) == 1 + 3
    study.enqueue_trial({"x": 1.0})
    assert len(study.trials) == 1 + 4


@BOTH
def test_ask_with_fixed_distributions_suggests_them_at_once(library: ModuleType) -> None:
    study = library.create_study(sampler=library.samplers.RandomSampler(seed=0))
    named = library.distributions
    study.enqueue_trial({"n": 4})
    space = {"n": named.IntDistribution(1, 5), "kind": named.CategoricalDistribution(("a",))}
    trial = study.ask(space)
    assert trial.params == {"n": 4, "kind": "a"}
    assert trial.suggest_int("n", 1, 5) == 4
    study.tell(trial, 1.0)
    assert study.trials[0].distributions == space
    assert 1 <= study.ask(fixed_distributions=space).params["n"] <= 5


@BOTH
def test_max_trials_stops_a_study_at_what_it_has_in_all(library: ModuleType) -> None:
    study = library.create_study()
    study.add_trial(trial_of(library, value=0.0))
    run(study, lambda trial: 1.0, n_trials=20, callbacks=[library.study.MaxTrialsCallback(4)])
    assert len(study.trials) == 4
    many = library.create_study()

    def fails(trial: Any) -> float:
        raise ValueError

    callback = library.study.MaxTrialsCallback(3, states=None)
    run(many, fails, n_trials=20, catch=(ValueError,), callbacks=[callback])
    assert len(many.trials) == 3


@BOTH
@pytest.mark.parametrize(
    "parts",
    [
        {"value": None},
        {"value": math.nan},
        {"state": TrialState.FAIL, "value": 1.0},
        {"value": 1.0, "values": [1.0]},
        {"value": 1.0, "params": {"x": 1.0}},
        {"value": 1.0, "params": {"x": 11.0, "kind": "a"}},
    ],
    ids=str,
)
def test_a_contradictory_trial_is_a_value_error(library: ModuleType, parts: dict[str, Any]) -> None:
    if "state" in parts:
        parts = parts | {"state": library.trial.TrialState(int(parts["state"]))}
    with pytest.raises(ValueError):
        trial_of(library, **parts)


@BOTH
def test_a_trial_that_became_contradictory_cannot_be_added(library: ModuleType) -> None:
    study, trial = library.create_study(), trial_of(library, value=1.0)
    for name, wrong in (("datetime_start", None), ("datetime_complete", None), ("values", [1.0, 2.0])):
        changed = copy.deepcopy(trial)
        setattr(changed, name, wrong)
        with pytest.raises(ValueError):
            study.add_trial(changed)
    assert study.trials == []


def test_add_trials_adds_all_or_none() -> None:
    study, good = raystudy.create_study(), trial_of(raystudy, value=1.0)
    with pytest.raises(ValueError, match="one value per objective"):
        study.add_trials([good, trial_of(raystudy, values=[1.0, 2.0])])
    assert study.trials == []


@BOTH
def test_a_fixed_trial_answers_from_its_parameters(library: ModuleType) -> None:
    trial = library.trial.FixedTrial({"x": 0.5, "n": 3, "kind": "b", "far": 9.0}, number=7)
    assert isinstance(trial, library.trial.BaseTrial)
    assert (trial.suggest_float("x", 0, 1), trial.suggest_int("n", 1, 5)) == (0.5, 3)
    assert trial.suggest_categorical("kind", ("a", "b")) == "b"
    with pytest.warns(UserWarning, match="far"):
        assert trial.suggest_float("far", 0, 1) == 9.0
    with pytest.raises(ValueError):
        trial.suggest_float("unknown", 0, 1)
    with pytest.raises(ValueError):
        trial.suggest_categorical("kind", ("a", "c"))
    trial.report(1.0, 1)
    trial.set_user_attr("note", 1)
    trial.set_constraint("size", -1)
    assert (trial.number, trial.should_prune(), trial.user_attrs) == (7, False, {"note": 1})
    assert (trial.constraints, trial.params["n"]) == ({"size": -1.0}, 3)


@BOTH
def test_deprecated_suggestions_warn_and_work(library: ModuleType) -> None:
    def objective(trial: Any) -> float:
        a = trial.suggest_uniform("a", 0, 1)
        b = trial.suggest_loguniform("b", 1e-3, 1)
        return float(a + b + trial.suggest_discrete_uniform("c", 0, 1, 0.25))

    study = library.create_study()
    with pytest.warns(FutureWarning):
        run(study, objective, n_trials=2)
    named = library.distributions
    assert study.trials[0].distributions == {
        "a": named.FloatDistribution(0, 1),
        "b": named.FloatDistribution(1e-3, 1, log=True),
        "c": named.FloatDistribution(0, 1, step=0.25),
    }


@pytest.mark.parametrize(
    ("old", "arguments"),
    [
        ("UniformDistribution", (0, 1)),
        ("LogUniformDistribution", (0.1, 1)),
        ("DiscreteUniformDistribution", (0, 1, 0.25)),
        ("IntUniformDistribution", (1, 9, 2)),
        ("IntLogUniformDistribution", (1, 9)),
    ],
)
def test_deprecated_distributions_become_those_that_optuna_stores_for_them(old: str, arguments: Any) -> None:
    with pytest.warns(FutureWarning):
        ours = getattr(raystudy.distributions, old)(*arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(optuna.distributions, old)(*arguments)
        stored = optuna.create_trial(value=0.0, params={"p": 1}, distributions={"p": theirs})
    new = optuna.distributions.distribution_to_json(stored.distributions["p"])
    assert json.loads(raystudy.distributions.distribution_to_json(ours)) == json.loads(new)


def test_every_distribution_is_a_base_distribution_with_optunas_names() -> None:
    for distribution in (
        FloatDistribution(0, 1),
        IntDistribution(1, 5),
        CategoricalDistribution(("a", None)),
    ):
        assert isinstance(distribution, raystudy.distributions.BaseDistribution)
        theirs = optuna.distributions.json_to_distribution(
            raystudy.distributions.distribution_to_json(distribution)
        )
        assert distribution._asdict() == theirs._asdict()
        assert (distribution._contains(0.5), distribution._contains(7)) == (
            theirs._contains(0.5),
            theirs._contains(7),
        )


def stored_study(library: ModuleType, url: str, name: str) -> Any:
    """Make a study with a trial of each state in a database."""
    states = library.trial.TrialState
    study = library.create_study(storage=url, study_name=name, direction="maximize")
    study.set_user_attr("team", "harbor")
    study.add_trial(trial_of(library, value=1.0, intermediate_values={0: 0.5, 3: math.nan}))
    study.add_trial(trial_of(library, value=2.0, constraints={"size": 2.0}, user_attrs={"n": 1}))
    study.add_trial(trial_of(library, state=states.FAIL))
    study.enqueue_trial({"x": 3.0})
    study.ask()
    return study


@BOTH
def test_summaries_are_optunas_but_for_the_best_feasible_trial(library: ModuleType, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    stored_study(library, url, "one")
    library.create_study(storage=url, study_name="empty", directions=["minimize", "maximize"])
    one, empty = library.get_all_study_summaries(url)
    assert (one.study_name, one.n_trials, one.user_attrs) == ("one", 4, {"team": "harbor"})
    assert one.direction == library.study.StudyDirection.MAXIMIZE
    assert one.datetime_start is not None
    # Optuna's ignores the constraint of trial 1.
    assert one.best_trial.number == (1 if library is optuna else 0)
    assert (empty.study_name, empty.n_trials, empty.best_trial) == ("empty", 0, None)
    assert empty.datetime_start is None
    assert one < empty
    with pytest.raises(RuntimeError):
        _ = empty.direction
    assert library.get_all_study_summaries(url, include_best_trial=False)[0].best_trial is None


@pytest.mark.parametrize("source", [optuna, raystudy], ids=["optuna", "raystudy"])
@pytest.mark.parametrize("into_memory", [False, True])
def test_a_copy_has_all_that_the_study_had(source: ModuleType, into_memory: bool, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    stored_study(source, url, "one")
    target: Any = raystudy.storages.InMemoryStorage() if into_memory else f"sqlite:///{tmp_path / 'b.db'}"
    raystudy.copy_study(from_study_name="one", from_storage=url, to_storage=target, to_study_name="two")
    original = raystudy.load_study(study_name="one", storage=url)
    copied = raystudy.load_study(study_name="two", storage=target)
    assert copied.user_attrs == {"team": "harbor"}
    assert copied.directions == original.directions
    for old, new in zip(original.trials, copied.trials, strict=True):
        old.trial_id = new.trial_id
        old.system_attrs.pop("raystudy:call", None)
        assert repr(old) == repr(new)  # NaN is not equal to itself
    assert [trial.state.name for trial in copied.trials] == ["COMPLETE", "COMPLETE", "FAIL", "RUNNING"]
    with pytest.raises(raystudy.exceptions.DuplicatedStudyError):
        raystudy.copy_study(from_study_name="one", from_storage=url, to_storage=target, to_study_name="two")
    with pytest.raises(KeyError):
        raystudy.copy_study(from_study_name="none", from_storage=url, to_storage=target)


def test_a_copy_is_searched_on_with_its_sampler_and_has_a_folder_of_its_own(tmp_path: Path) -> None:
    url, home = f"sqlite:///{tmp_path / 'a.db'}", str(tmp_path / "home")
    sampler = raystudy.samplers.TPESampler(n_startup_trials=3, seed=5)
    study = raystudy.create_study(storage=url, study_name="one", sampler=sampler)

    def objective(trial: Any) -> float:
        trial.save_checkpoint({"x": 1}, step=0)
        return float(trial.suggest_float("x", 0, 1))

    run(study, objective, n_trials=3, storage_path=home)
    raystudy.copy_study(from_study_name="one", from_storage=url, to_storage=url, to_study_name="two")
    two = raystudy.load_study(study_name="two", storage=url)
    assert (two.sampler.spec()["n_startup_trials"], two.sampler.spec()["seed"]) == (3, 5)
    run(two, objective, n_trials=2, storage_path=home)
    run(study, objective, n_trials=2, storage_path=home)
    assert [t.params for t in two.trials] == [t.params for t in study.trials]
    raystudy.delete_study(study_name="two", storage=url)
    assert study.load_checkpoint() == {"x": 1}


def test_garbage_is_collected_after_each_trial_if_asked() -> None:

    seen: list[Any] = []

    class Cycle:
        def __init__(self) -> None:
            self.me = self

    def objective(trial: Any) -> float:
        cycle = Cycle()
        seen.append(weakref.ref(cycle))
        return float(sum(each() is not None for each in seen[:-1]))

    gc.disable()
    try:
        study = raystudy.create_study()
        run(study, objective, n_trials=3, gc_after_trial=True)
        assert [trial.value for trial in study.trials] == [0.0, 0.0, 0.0]
        seen.clear()
        kept = raystudy.create_study()
        run(kept, objective, n_trials=3)
        assert kept.trials[-1].value == 2.0
    finally:
        gc.enable()
