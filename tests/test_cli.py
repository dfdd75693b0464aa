"""The command ``raystudy``, run as users run it."""

import subprocess
import sys

import pytest

import raystudy
from raystudy.cli import main, without_passwords
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler


@pytest.fixture
def url(tmp_path):
    """Return the URL of a study with one full bracket: rungs at 1, 2 and 4 of four, two and one trials."""
    values = [0.4, 0.1, 0.3, 0.2]

    def objective(trial):
        for step in range(0 if trial.resume_step is None else trial.resume_step + 1, 4):
            trial.save_checkpoint({}, step=step)
            trial.report(values[trial.number], step)
            if trial.should_prune():
                raise raystudy.TrialPruned
        return values[trial.number]

    url = f"sqlite:///{tmp_path}/study.db"
    pruner = HyperbandPruner(1, 4, 2, mode="sync")
    study = raystudy.create_study(storage=url, study_name="s", sampler=RandomSampler(0), pruner=pruner)
    study.optimize(objective, 4, executor="inline", show_progress_bar=False)
    return url


def test_explain_prints_what_study_explain_says(url, capsys):
    assert main(["explain", "--storage", url, "--study-name", "s", "2"]) == 0
    study = raystudy.load_study(study_name="s", storage=url)
    assert capsys.readouterr().out == f"{study.explain(2)}\n"


def test_status_counts_trials_by_state_and_at_each_rung(url, capsys):
    assert main(["status", "--storage", url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "study 's': 4 trials (1 COMPLETE, 3 PRUNED)"
    assert lines[2:] == [
        "best: trial 1 with 0.1, {}",
        "bracket 0",
        "  rung 0 (budget 1): 4 reported, 3 waited, 1 went on at once, 1 promoted, 2 dropped",
        "  rung 1 (budget 2): 2 reported, 1 waited, 1 went on at once, 1 dropped",
        "  rung 2 (budget 4): 1 reported, 0 waited, 1 complete",
    ]


def test_the_installed_command_is_this_one(url):
    done = subprocess.run(
        [sys.executable, "-c", "from importlib.metadata import entry_points as e; "
         "(c,) = [p for p in e(group='console_scripts') if p.name == 'raystudy']; raise SystemExit(c.load()())",
         "status", "--storage", url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("study 's': 4 trials")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["explain", "--study-name", "s", "9"], "no trial 9; it has 4"),
        (["explain", "--study-name", "t", "0"], "no study named 't'"),
        (["explain", "--study-name", "s", "nine"], "invalid int value: 'nine'"),
        ([], "required: COMMAND"),
    ],
)
def test_mistakes_end_with_a_line_and_status_2(url, words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--storage", url] if words else [])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("raystudy: ")
    assert message in line


def test_a_mistyped_path_makes_no_database(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["status", "--storage", f"sqlite:///{tmp_path}/typo.db"])
    assert f"there is no database {tmp_path}/typo.db" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "postgresql://me:hunter2@nowhere.invalid/db", "0"],
        ["explain", "--storage", "sqlite:///x.db", "postgresql://me:hunter2@nowhere.invalid/db"],
        ["status", "--storage", "postgresql://me:hunter2@nowhere.invalid:1/db?connect_timeout=1"],
        ["status", "--storage", "postgresql://nowhere.invalid:1/db?password=hunter2&connect_timeout=1"],
        ["status", "--storage", "nonsense://me:hunter2@nowhere/db"],
        ["status", "--storage", "mysql://me:hunter2@nowhere.invalid:abc/db"],
    ],
)
def test_no_error_shows_a_password(words, capsys):
    with pytest.raises(SystemExit):
        main(words)
    shown = capsys.readouterr()
    assert shown.err.startswith("raystudy: ")
    assert "hunter2" not in shown.out + shown.err


def test_passwords_are_masked_wherever_they_stand():
    text = "cannot open postgresql://a:b@c@host/db?sslpassword=d&x=1 or mysql://e:f@g/h"
    assert without_passwords(text) == (
        "cannot open postgresql://a:***@host/db?sslpassword=***&x=1 or mysql://e:***@g/h"
    )
