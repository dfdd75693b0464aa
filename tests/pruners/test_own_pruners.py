"""Pruners that users write, and the stop-type pruners, in whole studies in this process."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import raystudy
from raystudy.exceptions import PrunerFailed
from raystudy.pruners import BasePruner, MedianPruner, NopPruner, PatientPruner
from raystudy.samplers import RandomSampler
from raystudy.trial import TrialState, create_trial

N_EPOCHS = 6


def objective(trial: Any) -> float:
    x = trial.suggest_float("x", 0.0, 1.0)
    for step in range(N_EPOCHS):
        trial.report(x - step, step)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return float(x)


def worsening(trial: Any) -> float:
    for step in range(N_EPOCHS):
        trial.report(float(step), step)
        if trial.should_prune():
            raise raystudy.TrialPruned
    return 0.0


def run(study: Any, n_trials: int = 12, func: Any = objective, **options: Any) -> Any:
    study.optimize(func, n_trials=n_trials, executor="inline", show_progress_bar=False, **options)
    return study


class AfterBest(BasePruner):
    """Stops a trial that is worse than the best complete trial at its second step; keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Any] = []
        self.start = self.rule = self.spec = None  # names that a user may well use

    def prune(self, study: Any, trial: Any) -> bool:
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        self.shown.append((trial.number, trial.params, trial.last_step, len(study.trials), len(complete)))
        if trial.last_step != 1 or not complete:
            return False
        return bool(trial.intermediate_values[1] > study.best_trial.intermediate_values[1])


class Broken(BasePruner):
    def prune(self, study: Any, trial: Any) -> bool:
        if trial.number == 2:
            raise KeyError("my column")
        return False


def test_a_users_pruner_sees_its_study_and_stops_trials() -> None:
    pruner = AfterBest()
    study = run(raystudy.create_study(study_name="mine", sampler=RandomSampler(3), pruner=pruner))
    assert study.pruner is pruner
    best, expected = float("inf"), []
    for trial in study.trials:
        expected.append(trial.params["x"] > best)
        best = min(best, trial.params["x"])
    assert [t.state is TrialState.PRUNED for t in study.trials] == expected
    assert 0 < sum(expected) < 12
    assert all(len(t.intermediate_values) == 2 for t in study.trials if t.state is TrialState.PRUNED)
    for number, params, _, n_trials, n_complete in pruner.shown:
        assert params == study.trials[number].params
        assert n_trials == number + 1
        assert n_complete == number - sum(expected[:number])


def test_a_users_pruner_has_the_facts_of_the_study_and_cannot_spoil_them() -> None:
    seen = []

    class Curious(BasePruner):
        def prune(self, study: Any, trial: Any) -> bool:
            trial.intermediate_values.clear()
            study.get_trials()[0].params.clear()
            study.user_attrs["owner"] = "nobody"
            seen.append((study.study_name, study.direction.name, [d.name for d in study.directions]))
            with pytest.raises(ValueError, match="no trial is complete"):
                _ = study.best_value
            return False

    study = raystudy.create_study(study_name="facts", direction="maximize", pruner=Curious())
    study.set_user_attr("owner", "me")
    run(study, n_trials=1)
    assert seen == [("facts", "MAXIMIZE", ["MAXIMIZE"])] * N_EPOCHS
    assert (study.user_attrs, len(study.trials[0].intermediate_values)) == ({"owner": "me"}, N_EPOCHS)
    assert study.best_params.keys() == {"x"}


def test_trials_that_were_added_or_run_before_are_shown_to_a_users_pruner() -> None:
    pruner = AfterBest()
    study = raystudy.create_study(sampler=RandomSampler(3), pruner=pruner)
    study.add_trial(create_trial(value=-1.0, intermediate_values={1: -9.0}))
    run(run(study, n_trials=2), n_trials=2)
    assert [t.state.name for t in study.trials] == ["COMPLETE"] + ["PRUNED"] * 4
    assert [shown[3] for shown in pruner.shown] == [2, 2, 3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize("catch", [(), (Exception,)])
def test_an_exception_in_a_users_pruner_ends_the_call_with_its_own_traceback(catch: Any) -> None:
    study = raystudy.create_study(pruner=Broken())
    with pytest.raises(
        PrunerFailed, match=r"Broken.prune raised KeyError: 'my column' \(trial 2, step 0\)"
    ) as caught:
        run(study, catch=catch)
    assert 'raise KeyError("my column")' in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "COMPLETE", "FAIL"]


def test_a_users_pruner_must_be_given_again_but_for_reading(tmp_path: Any, capfd: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    run(raystudy.create_study(storage=url, study_name="a", sampler=RandomSampler(3), pruner=AfterBest()))
    assert "your pruner AfterBest cannot be stored" in capfd.readouterr().err
    study = raystudy.load_study(study_name="a", storage=url)
    assert (len(study.trials), study.best_value >= 0) == (12, True)
    for search in (lambda: run(study), study.ask):
        with pytest.raises(ValueError, match=r"pruned by your own AfterBest.*pruner=AfterBest\(\.\.\.\)"):
            search()
    assert len(raystudy.load_study(study_name="a", storage=url).trials) == 12
    run(raystudy.load_study(study_name="a", storage=url, pruner=AfterBest()))
    run(raystudy.load_study(study_name="a", storage=url, pruner=NopPruner()))
    assert len(run(raystudy.load_study(study_name="a", storage=url)).trials) == 48


def test_patience_wraps_a_users_pruner_and_a_study_remembers_that_it_is_missing(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"

    class Always(BasePruner):
        def prune(self, study: Any, trial: Any) -> bool:
            return True

    study = raystudy.create_study(storage=url, study_name="a", pruner=PatientPruner(Always(), 2))
    assert {len(t.intermediate_values) for t in run(study, func=worsening).trials} == {4}
    with pytest.raises(ValueError, match="your own Always"):
        run(raystudy.load_study(study_name="a", storage=url))


def test_what_is_no_pruner_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"or an object of a subclass of BasePruner, got 'median'"):
        raystudy.create_study(pruner="median")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="abstract"):
        BasePruner()  # type: ignore[abstract]


def test_a_users_pruner_may_ask_one_of_ours() -> None:
    class Gentle(BasePruner):
        def prune(self, study: Any, trial: Any) -> bool:
            return trial.last_step >= 3 and MedianPruner(n_startup_trials=2).prune(study, trial)

    study = run(raystudy.create_study(sampler=RandomSampler(3), pruner=Gentle()))
    pruned = [t for t in study.trials if t.state is TrialState.PRUNED]
    assert pruned
    assert all(t.last_step == 3 for t in pruned)


def test_the_default_pruner_is_the_median_as_in_optuna() -> None:
    study = run(raystudy.create_study(sampler=RandomSampler(3)), n_trials=20)
    assert study.pruner == MedianPruner()
    states = [t.state for t in study.trials]
    assert set(states[:5]) == {TrialState.COMPLETE}
    assert TrialState.PRUNED in states[5:]


def test_trials_of_other_programs_inform_the_median(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    pruner = MedianPruner(n_startup_trials=1)
    study = raystudy.create_study(storage=url, study_name="a", sampler=RandomSampler(3), pruner=pruner)
    other = raystudy.load_study(study_name="a", storage=url)

    def add(_study: Any, trial: Any) -> None:
        if trial.number == 0:
            values = dict.fromkeys(range(N_EPOCHS), -9.0)
            for _ in range(3):
                other.add_trial(create_trial(value=-1.0, intermediate_values=values))

    run(study, n_trials=1, callbacks=[add])
    run(study, n_trials=3)
    asked = study.ask()
    asked.suggest_float("x", 0.0, 1.0)
    asked.report(0.5, 0)
    assert asked.should_prune()
    assert [t.state.name for t in study.trials if t.number > 3] == ["PRUNED"] * 3 + ["RUNNING"]


def test_an_asked_trial_that_was_told_informs_the_median() -> None:
    study = raystudy.create_study(pruner=MedianPruner(n_startup_trials=1))
    first, second = study.ask(), study.ask()
    first.report(1.0, 0)
    assert not first.should_prune()
    study.tell(first, 1.0)
    second.report(2.0, 0)
    assert second.should_prune()


def test_public_methods_of_the_view_are_those_of_a_study() -> None:
    view = {name for name in dir(raystudy.pruners.StudyView) if not name.startswith("_")}
    assert view <= set(dir(raystudy.Study)) | {"study_name", "directions"}
    ours = inspect.signature(raystudy.pruners.StudyView.get_trials)
    assert str(ours) == str(inspect.signature(raystudy.Study.get_trials))
