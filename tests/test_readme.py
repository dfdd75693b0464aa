"""The README is true: its commands are those of CI, its quickstart runs, its links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
LINES = README.splitlines()
SET_UP = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt "
MAIN_JOB = SET_UP + '".[examples]" && .venv/bin/python examples/tune.py'
TESTS = SET_UP + '-e ".[dev]" && .venv/bin/pytest'


def quickstart() -> str:
    """Return the first Python block of the README."""
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def test_readme_is_short_and_its_lines_fit() -> None:
    assert len(LINES) <= 150
    assert max(map(len, LINES)) <= 125


def test_the_two_commands_stand_in_the_readme() -> None:
    assert LINES.count(MAIN_JOB) == 1
    assert LINES.count(TESTS) == 1


def test_the_readme_says_that_a_checkout_needs_links() -> None:
    assert (
        "`samplers`, `pruners`, `storage` and `orchestrator` stand under `raystudy/` as relative links"
        in README
    )


def test_ci_finds_exactly_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text()
    pattern = re.search(r"grep -E '(.*)' README.md", script)
    ending = re.search(r"\$\{test_command%'(.*)'\}", script)
    assert pattern is not None
    assert ending is not None
    assert [line for line in LINES if re.search(pattern[1], line)] == [TESTS]
    assert TESTS.endswith(ending[1])
    assert 'step bash -euo pipefail -c "$set_up"' in script
    assert script.splitlines()[-1] == "step .venv/bin/pytest"


def test_ci_is_executable_and_stops_at_the_first_failure() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert "\nset -euo pipefail\n" in (ROOT / ".ci/run").read_text()


def test_quickstart_runs_and_is_about_fifteen_lines(tmp_path: Path) -> None:
    code = quickstart()
    assert len([line for line in code.splitlines() if line]) <= 15
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment |= {"RAYSTUDY_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    best = re.fullmatch(r"\{'lr': (\S+)\} (\S+)\n", done.stdout)
    assert best is not None
    assert float(best[2]) < 0.2
    assert (tmp_path / "quickstart.db").exists()


def test_links_of_all_documents_lead_to_files() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())
        assert [link for link in links if not (document.parent / link).exists()] == [], document.name


def test_files_named_in_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    named = {name for name in re.findall(r"`([a-z_/]+\.(?:py|yaml|md))`", text) if "/" in name}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
