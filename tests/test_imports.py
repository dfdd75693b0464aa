"""What an import costs, and under which names modules are loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import raystudy

ROOT = Path(__file__).parents[1]
HEAVY = {"ray", "torch", "sqlalchemy", "pandas", "plotly", "optuna", "sklearn"}
BARE_NAMES = {"samplers", "pruners", "storage", "storages", "orchestrator"}


def modules_after(code: str) -> set[str]:
    """Return the names of all modules that a fresh process, begun in the checkout, has loaded after ``code``."""
    code = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_raystudy_loads_no_heavy_package() -> None:
    loaded = modules_after("import raystudy")
    assert loaded & (HEAVY | {"numpy", "scipy"}) == set()
    assert {name for name in loaded if name.startswith("raystudy.")} == set()


def test_a_study_in_process_loads_neither_ray_nor_torch_nor_sqlalchemy(tmp_path: Path) -> None:
    code = (
        "import raystudy\n"
        "study = raystudy.create_study(sampler=raystudy.samplers.RandomSampler(seed=0))\n"
        f"study.optimize(lambda t: t.suggest_float('x', 0, 1), n_trials=2, storage_path={str(tmp_path)!r},\n"
        "               executor='inline', show_progress_bar=False)"
    )
    assert modules_after(code) & HEAVY == set()


def test_every_public_name_resolves_and_stands_in_dir() -> None:
    assert [name for name in raystudy.__all__ if not hasattr(raystudy, name)] == []
    assert set(raystudy.__all__) <= set(dir(raystudy))


@pytest.mark.parametrize("package", ["orchestrator", "pruners", "samplers", "storages"])
def test_every_public_name_of_a_room_resolves(package: str) -> None:
    module = getattr(raystudy, package)
    assert module.__name__ == f"raystudy.{package}"
    assert [name for name in getattr(module, "__all__", []) if not hasattr(module, name)] == []


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = raystudy.no_such_name


def test_no_module_is_loaded_under_the_bare_name_of_its_folder() -> None:
    modules = sorted(path.relative_to(ROOT).with_suffix("") for path in rooms_modules())
    code = "import importlib\n" + "\n".join(
        f"importlib.import_module('{'.'.join(('raystudy', *name.parts))}')" for name in modules
    )
    loaded = modules_after(code.replace("raystudy.storage.", "raystudy.storages."))
    assert {name.split(".")[0] for name in loaded} & BARE_NAMES == set()
    assert len([name for name in loaded if name.startswith("raystudy.")]) >= len(modules)


def rooms_modules() -> list[Path]:
    """Return the files of the four rooms at the top level."""
    rooms = ("orchestrator", "pruners", "samplers", "storage")
    return [path for room in rooms for path in (ROOT / room).glob("*.py") if path.name != "__init__.py"]


def test_the_rooms_are_relative_links() -> None:
    links = {path.name: os.readlink(path) for path in (ROOT / "raystudy").iterdir() if path.is_symlink()}
    assert links == {
        "orchestrator": "../orchestrator",
        "pruners": "../pruners",
        "samplers": "../samplers",
        "storages": "../storage",
    }
