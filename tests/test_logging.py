from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import raystudy


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    _restore()  # the command line, say, may have been tested before
    yield
    _restore()


def _restore() -> None:
    raystudy.logging.set_verbosity(raystudy.logging.INFO)
    raystudy.logging._handler.setLevel(logging.WARNING)
    raystudy.logging.enable_default_handler()
    raystudy.logging.disable_propagation()


def search(n_trials: int = 3) -> raystudy.Study:
    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        if trial.number == 1:
            raise raystudy.TrialPruned
        if trial.number == 2:
            raise ValueError
        return float(x)

    study = raystudy.create_study()
    study.optimize(objective, n_trials=n_trials, catch=ValueError, executor="inline", show_progress_bar=False)
    return study


def shown(capfd: pytest.CaptureFixture[str]) -> str:
    # The handler keeps the stream that was there when it was made; a user has but one.
    return capfd.readouterr().err


@pytest.mark.parametrize("name", ["optuna", "raystudy"])
def test_a_handler_of_the_users_own_gets_a_line_for_each_trial(name: str) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    raystudy.logging.get_logger(name).addHandler(handler)
    try:
        x = search().trials[0].params["x"]
    finally:
        raystudy.logging.get_logger(name).removeHandler(handler)
    lines = stream.getvalue().splitlines()
    assert lines[0] == f"Trial 0 finished with value: {x} and parameters: {{'x': {x}}}."
    assert lines[1].startswith("Trial 1 pruned with parameters")
    assert lines[2].startswith("Trial 2 failed with parameters")
    assert len(lines) == 3


def test_trials_are_shown_one_by_one_only_at_level_info(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(raystudy.logging._handler, "stream", stream)
    search()
    assert "Trial" not in stream.getvalue()
    assert raystudy.logging.get_verbosity() == raystudy.logging.INFO
    raystudy.logging.set_verbosity(raystudy.logging.INFO)
    search()
    assert stream.getvalue().count("Trial") == 3
    raystudy.logging.disable_default_handler()
    search()
    assert stream.getvalue().count("Trial") == 3
    raystudy.logging.enable_default_handler()
    raystudy.logging.set_verbosity(raystudy.logging.WARNING)
    search()
    assert stream.getvalue().count("Trial") == 3


def test_a_script_that_says_nothing_of_logging_sees_no_line_for_each_trial(tmp_path: Path) -> None:
    code = (
        "import raystudy; study = raystudy.create_study(sampler=raystudy.samplers.RandomSampler())\n"
        "study.optimize(lambda trial: 1.0, n_trials=2, executor='inline', show_progress_bar=False)\n"
        "assert raystudy.logging.get_verbosity() == raystudy.logging.INFO\n"
        "raystudy.logging.set_verbosity(raystudy.logging.INFO)\n"
        "study.optimize(lambda trial: 1.0, n_trials=1, executor='inline', show_progress_bar=False)"
    )
    environment = {**os.environ, "RAYSTUDY_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert [line.partition("] ")[2][:7] for line in done.stderr.splitlines()] == ["Trial 2"]


def test_messages_reach_the_root_logger_only_if_asked() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        search()
        assert stream.getvalue() == ""
        raystudy.logging.enable_propagation()
        search()
        assert stream.getvalue().count("Trial") == 3
    finally:
        logging.getLogger().removeHandler(handler)


def test_no_note_is_said_above_level_warning(capfd: pytest.CaptureFixture[str]) -> None:
    def objective(trial: Any) -> float:
        trial.report(trial.number, 1)
        trial.should_prune()
        return 0.0

    def run() -> str:
        study = raystudy.create_study(pruner=raystudy.pruners.HyperbandPruner(1, 9, 3))
        study.optimize(objective, n_trials=9, executor="inline", show_progress_bar=False)
        return shown(capfd)

    assert "saved no checkpoint" in run()
    raystudy.logging.set_verbosity(raystudy.logging.ERROR)
    assert run() == ""


def test_other_names_are_those_of_the_standard_library() -> None:
    assert raystudy.logging.get_logger("optuna.study").name == "raystudy.study"
    assert raystudy.logging.get_logger("mine").name == "mine"
    assert raystudy.logging.WARNING == logging.WARNING
