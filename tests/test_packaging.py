"""The package as it is installed: real files in place of links, nothing of the tests."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "venv", "*.db*")
WHEEL_HOLDS = {
    "raystudy/__init__.py",
    "raystudy/orchestrator/scheduling.py",
    "raystudy/pruners/hyperband.py",
    "raystudy/py.typed",
    "raystudy/samplers/tpe.py",
    "raystudy/storages/rdb.py",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an sdist and of the wheel that was built from it."""
    checkout = tmp_path_factory.mktemp("packaging") / "checkout"
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=LEFT_BEHIND)
    # Without isolation: with the setuptools that is installed, and without the network.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "../dist"]
    done = subprocess.run(command, check=False, cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout.parent / "dist"


def wheel_of(built: Path) -> zipfile.ZipFile:
    (wheel,) = built.glob("*.whl")
    return zipfile.ZipFile(wheel)


def test_wheel_holds_the_rooms_as_real_files(built: Path) -> None:
    with wheel_of(built) as wheel:
        infos = {info.filename: info for info in wheel.infolist()}
        assert infos.keys() >= WHEEL_HOLDS
        assert b"class TPESampler" in wheel.read("raystudy/samplers/tpe.py")
        links = [name for name, info in infos.items() if (info.external_attr >> 28) == 0o12]
    assert links == []


def test_wheel_holds_every_module_of_the_checkout_and_nothing_else(built: Path) -> None:
    expected = {"raystudy/py.typed"}
    for folder in [ROOT / "raystudy", *(each for each in (ROOT / "raystudy").iterdir() if each.is_dir())]:
        name, modules = folder.relative_to(ROOT), folder.resolve()
        expected |= {f"{name}/{path.relative_to(modules)}" for path in modules.rglob("*.py")}
    with wheel_of(built) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == expected


def test_sdist_holds_licence_and_readme(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    assert names >= {"LICENSE", "README.md", "pyproject.toml", "raystudy/samplers/tpe.py"}


def test_every_direct_dependency_is_pinned_within_its_bounds() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = {Requirement(line).name.lower(): line.split("==")[1] for line in lines}
    assert all(line.count("==") == 1 for line in lines)
    for text in requires("raystudy") or []:
        requirement = Requirement(text)
        if requirement.name != "raystudy":
            assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement


def test_ray_and_torch_are_pinned_to_the_tested_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert {"ray==2.60.0", "torch==2.13.0"} <= set(lines)


def test_every_file_of_the_project_is_declared_as_typed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["tool"]["setuptools"]["package-data"] == {"raystudy": ["py.typed"]}
    assert settings["tool"]["mypy"]["strict"] is True
