"""Scripts in Optuna's style run with raystudy after one line was changed: the import.

Each script leaves in ``result`` what its user would look at.  Where its first line says ``equal``, both libraries
must give the same; else the same in kind: the same types, names and lengths.  Some run on Ray as well, where trials
end in any order.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

import raystudy

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))

#: The line that is changed; ``from optuna.trial import ...`` is one of it as well.
IMPORT = re.compile(r"^import optuna$", re.MULTILINE)
FROM = re.compile(r"^from optuna\b", re.MULTILINE)


def how(script: Path) -> tuple[str, bool]:
    """Return how results are compared, "equal" or "kind", and whether the script runs on Ray, too."""
    found = re.fullmatch(r"# compare: (equal|kind)(, on Ray by kind)?", script.read_text().splitlines()[0])
    assert found is not None
    return found[1], found[2] is not None


def run(script: Path, folder: Path, library: str) -> Any:
    """Run a script with a library in a folder and return its result."""
    text = script.read_text(encoding="utf-8")
    if library == "raystudy":
        text, changed = IMPORT.subn("import raystudy as optuna", text)
        assert changed == 1
        text = FROM.sub("from raystudy", text)
    folder.mkdir()
    path = folder / script.name
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("RAYSTUDY_HOME", str(folder / "home"))
        return runpy.run_path(str(path), run_name="__main__")["result"]


def kind(value: Any) -> Any:
    """Return what two results have in common if they differ in numbers alone."""
    if isinstance(value, dict):
        return {key: kind(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [kind(each) for each in value]
    return value if isinstance(value, (bool, str)) or value is None else type(value).__name__


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    for library in (optuna, raystudy):
        library.logging.set_verbosity(library.logging.ERROR)
    yield
    raystudy.logging.set_verbosity(raystudy.logging.INFO)
    raystudy.logging._handler.setLevel(raystudy.logging.WARNING)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")
def test_a_script_runs_after_its_import_was_changed(script: Path, tmp_path: Path) -> None:
    theirs = run(script, tmp_path / "optuna", "optuna")
    ours = run(script, tmp_path / "raystudy", "raystudy")
    if how(script)[0] == "equal":
        assert ours == theirs
    else:
        assert kind(ours) == kind(theirs)


@pytest.mark.cluster
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("script", [each for each in SCRIPTS if how(each)[1]], ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")
def test_a_script_runs_on_ray_where_it_is_initialised(
    script: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    theirs = run(script, tmp_path / "optuna", "optuna")
    raystudy.logging.set_verbosity(raystudy.logging.WARNING)
    assert kind(run(script, tmp_path / "raystudy", "raystudy")) == kind(theirs)
    assert "trials run on Ray" in capfd.readouterr().err


def test_there_are_at_least_forty_scripts() -> None:
    assert len(SCRIPTS) >= 40
