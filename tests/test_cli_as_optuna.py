"""Commands that Optuna has, too: the same words give the same output."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Sequence
from pathlib import Path

import optuna
import pandas as pd
import pytest

import raystudy
from raystudy.cli import main

optuna.logging.set_verbosity(optuna.logging.ERROR)

#: Runs Optuna's commands, one after the other, and prints what each has printed.
OPTUNA = """
import contextlib, io, json, sys, warnings
import optuna.cli
warnings.simplefilter("ignore")
told = []
for words in json.load(sys.stdin):
    sys.argv, out = ["optuna", *words], io.StringIO()
    with contextlib.redirect_stdout(out):
        optuna.cli._Studies._study_list_header = optuna.cli._Studies._study_list_header[:4]
        optuna.cli.main()
    told.append(out.getvalue())
print(json.dumps(told))
"""

LISTINGS = [
    [*words, "--format", form, *flat]
    for words in (
        ["studies"],
        ["trials", "--study-name", "one"],
        ["trials", "--study-name", "two"],
        ["trials", "--study-name", "named"],
        ["trials", "--study-name", "empty"],
        ["best-trial", "--study-name", "one"],
        ["best-trials", "--study-name", "two"],
    )
    for form in ("value", "json", "table", "yaml")
    for flat in ([], ["--flatten"])
] + [["study-names"], *(["study-names", "-f", form] for form in ("value", "json", "table", "yaml"))]


def optunas(url: str, commands: Sequence[Sequence[str]]) -> list[str]:
    """Run commands with Optuna on a database, and return what they print."""
    words = json.dumps([[*command, "--storage", url] for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", OPTUNA], input=words, capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database with studies of all kinds, made by Optuna."""
    url = f"sqlite:///{tmp_path_factory.mktemp('cli') / 'a.db'}"

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        if trial.number % 2:
            trial.suggest_categorical("kind", ["a", None, 3])
            trial.set_user_attr("note", [1, {"deep": x}])
        if trial.number == 2:
            raise optuna.TrialPruned
        return float("nan") if trial.number == 3 else x

    def two(trial: optuna.Trial) -> tuple[float, float]:
        x = trial.suggest_int("x", -5, 5)
        return x**2, (x - 2) ** 2

    def create(name: str, *directions: str) -> optuna.Study:
        sampler = optuna.samplers.RandomSampler(seed=1)
        return optuna.create_study(storage=url, study_name=name, directions=directions, sampler=sampler)

    one = create("one", "maximize")
    one.optimize(objective, n_trials=5)
    one.set_user_attr("team", "harbor")
    one.enqueue_trial({"x": 0.5})
    create("two", "minimize", "maximize").optimize(two, n_trials=6)
    named = create("named", "minimize", "minimize")
    named.optimize(two, n_trials=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        named.set_metric_names(["loss", "gain"])
    create("empty", "minimize")
    return url


@pytest.fixture(scope="module")
def listings(url: str) -> dict[str, str]:
    """Return what Optuna prints for each of the listings."""
    return {" ".join(words): text for words, text in zip(LISTINGS, optunas(url, LISTINGS), strict=True)}


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_a_listing_is_optunas(
    words: list[str], url: str, listings: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--storage", url]) == 0
    assert capsys.readouterr().out.strip() == listings[" ".join(words)].strip()


def test_a_study_is_made_searched_and_removed_from_the_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'b.db'}"
    monkeypatch.setenv("OPTUNA_STORAGE", url)
    space = {"x": {"name": "FloatDistribution", "attributes": {"low": 0.0, "high": 1.0}}}

    def run(*words: str) -> str:
        assert main(words) == 0
        return capsys.readouterr().out

    assert run("create-study", "--study-name", "s", "--directions", "minimize", "maximize") == "s\n"
    assert run("create-study", "--study-name", "s", "--skip-if-exists") == "s\n"
    assert run("study", "set-user-attr", "--study-name", "s", "-k", "team", "--value", "harbor") == ""
    ask = ("ask", "--study-name", "s", "--sampler", "RandomSampler", "--sampler-kwargs", '{"seed": 1}')
    asked = json.loads(run(*ask, "--search-space", json.dumps(space)))
    assert asked["number"] == 0
    assert 0 <= asked["params"]["x"] <= 1
    assert json.loads(run("ask")) == {"number": 1, "params": {}}
    assert run("tell", "--trial-number", "0", "--values", "1", "2") == ""
    assert run("tell", "--trial-number", "1", "--state", "fail") == ""
    assert run("tell", "--trial-number", "1", "--state", "fail", "--skip-if-finished") == ""
    study = optuna.load_study(study_name="s", storage=url)
    assert study.user_attrs == {"team": "harbor"}
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL"]
    assert study.trials[0].params == asked["params"]
    assert "the schema is v3.2.0.a already" in run("storage", "upgrade")
    run("delete-study", "--study-name", "s")
    assert run("study-names").strip() == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trials"], "--storage URL, or OPTUNA_STORAGE"),
        (["ask", "--sampler-kwargs", "{}", "--storage", "URL"], "needs --sampler"),
        (["ask", "--sampler", "NoSampler", "--storage", "URL", "--study-name", "one"], "NoSampler"),
        (["ask", "--search-space", "{", "--storage", "URL"], "expected JSON"),
        (["best-trial", "--study-name", "empty", "--storage", "URL"], "no trial is complete"),
        (
            ["tell", "--study-name", "one", "--trial-number", "0", "--values", "1", "--storage", "URL"],
            "COMPLETE",
        ),
        (["export", "--study-name", "one", "here.txt", "--storage", "URL"], ".csv or .parquet"),
    ],
)
def test_mistakes_are_told_in_a_line(
    words: list[str],
    message: str,
    url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    with pytest.raises(SystemExit) as ended:
        main([url if word == "URL" else word for word in words])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_export_is_the_dataframe(suffix: str, url: str, tmp_path: Path) -> None:
    path = tmp_path / f"trials.{suffix}"
    assert main(["export", "--storage", url, "--study-name", "two", str(path)]) == 0
    read = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    frame = raystudy.load_study(study_name="two", storage=url).trials_dataframe()
    for name in ("number", "values_0", "values_1", "params_x", "state"):
        assert list(read[name]) == list(frame[name])
    with pytest.raises(SystemExit):  # never over another file
        main(["export", "--storage", url, "--study-name", "two", str(path)])


def test_a_log_file_and_verbosity_are_taken_before_and_after_the_command(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--storage", url, "-v", "study-names"]) == 0
    assert main(["study-names", "--storage", url, "-q", "--log-file", str(tmp_path / "log")]) == 0
    assert capsys.readouterr().out.split() == ["one", "two", "named", "empty"] * 2
    assert (tmp_path / "log").exists()


def test_the_dashboard_serves_the_database(url: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from raystudy.cli import main; main(['dashboard', '--storage', {url!r}, '--port', '{port}'])"
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=5) as answer:
                    text = answer.read().decode()
                break
            except OSError:
                time.sleep(0.2)
        assert re.findall(r'"study_name": ?"(\w+)"', text) == ["one", "two", "named", "empty"]
    finally:
        server.kill()
        server.wait()
