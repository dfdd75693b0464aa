"""What Optuna 5.0 gets wrong and raystudy does not: each test must fail with Optuna, else it is mended there."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import optuna
import optuna_dashboard
import pytest

import raystudy
from raystudy.pruners.halving import bracket_plans

optuna.logging.set_verbosity(optuna.logging.CRITICAL)


def libraries(*raises: type[BaseException]) -> pytest.MarkDecorator:
    """Run a test with both libraries; Optuna must fail it with one of these errors."""
    fails = pytest.mark.xfail(strict=True, raises=raises or AssertionError, reason="a defect of Optuna 5.0")
    return pytest.mark.parametrize(
        "library", [pytest.param(optuna, marks=fails, id="optuna"), pytest.param(raystudy, id="raystudy")]
    )


def run(study: Any, objective: Any, **options: Any) -> None:
    """Optimise quietly with either library."""
    if isinstance(study, raystudy.Study):
        options |= {"executor": "inline", "show_progress_bar": False}
    study.optimize(objective, **options)


@libraries()
def test_a_trial_that_was_stopped_early_is_compared_at_the_budget_that_it_had(library: Any) -> None:
    """Optuna's TPE ranks whatever was stopped behind all complete trials, under Hyperband as well.

    Its Hyperband is documented to show a sampler the trials of its bracket alone, but shows it all of them.
    """
    states, space = library.trial.TrialState, {"x": library.distributions.FloatDistribution(0, 1)}
    study = library.create_study(
        sampler=library.samplers.TPESampler(seed=0), pruner=library.pruners.HyperbandPruner(1, 9, 3)
    )
    for i in range(20):  # slow everywhere, complete
        curve = {1: 10.0, 3: 8.0, 9: 6.0 + 0.01 * i}
        parts = {"params": {"x": 0.6 + 0.02 * i}, "distributions": space, "intermediate_values": curve}
        study.add_trial(library.create_trial(value=curve[9], **parts))
    for i in range(20):  # far better at the budget where somebody stopped them
        curve = {1: 2.0 + 0.01 * i, 3: 1.0 + 0.01 * i}
        parts = {"params": {"x": 0.1 + 0.005 * i}, "distributions": space, "intermediate_values": curve}
        study.add_trial(library.create_trial(state=states.PRUNED, **parts))
    proposals = [study.ask(space).params["x"] for _ in range(20)]
    assert sum(x < 0.4 for x in proposals) > 10


@libraries(RuntimeError, pytest.fail.Exception)
def test_an_exception_is_raised_also_if_several_trials_run_at_once(library: Any) -> None:
    def fails(trial: Any) -> float:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(library.create_study(), fails, n_trials=2, n_jobs=2)


@libraries(pytest.fail.Exception)
def test_another_direction_than_that_of_the_stored_study_is_an_error(library: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    library.create_study(storage=url, study_name="s", direction="minimize")
    with pytest.raises(ValueError, match="minimize"):
        library.create_study(storage=url, study_name="s", direction="maximize", load_if_exists=True)


@libraries(ValueError)
def test_choices_that_are_tuples_work_in_a_second_process_too(library: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"

    def objective(trial: Any) -> float:
        return float(sum(trial.suggest_categorical("layers", [(8, 8), (16,), (4, 4, 4)])))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):  # each opens the database anew
            study = library.create_study(storage=url, study_name="s", load_if_exists=True)
            run(study, objective, n_trials=3)
    assert len(library.load_study(study_name="s", storage=url).trials) == 6


@libraries()
@pytest.mark.parametrize(("largest", "eta", "n_brackets"), [(243, 3, 6), (1000, 10, 4)])
def test_hyperband_has_the_brackets_of_the_paper(
    library: Any, largest: int, eta: int, n_brackets: int
) -> None:
    """Optuna takes the logarithm in floating point: 243 = 3^5 makes 5 brackets."""
    pruner = library.pruners.HyperbandPruner(1, largest, eta)
    if library is raystudy:
        plans = bracket_plans(1, largest, eta)
        assert len(plans) == n_brackets
        assert plans[0].budgets == tuple(eta**k for k in range(n_brackets))
        return

    def objective(trial: Any) -> float:
        trial.report(1.0, 1)
        trial.should_prune()
        return 1.0

    run(library.create_study(study_name="s", pruner=pruner), objective, n_trials=1)
    assert len(pruner._pruners) == n_brackets


@libraries()
def test_the_dashboard_shows_constraints_that_a_trial_has_set(library: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    study = library.create_study(storage=url, study_name="s")

    def objective(trial: Any) -> float:
        trial.set_constraint("size", 3.0)
        return 1.0

    run(study, objective, n_trials=1)
    app = optuna_dashboard.wsgi(url)
    answer: list[str] = []
    path = {"PATH_INFO": f"/api/studies/{study._study_id}", "QUERY_STRING": "after=0"}
    environ = {"REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO(), "SERVER_NAME": "here", **path}
    body = b"".join(app(environ, lambda status, _headers, *_: answer.append(status)))
    assert answer == ["200 OK"]
    (trial,) = json.loads(body)["trials"]
    assert trial["constraints"] == [3.0]
