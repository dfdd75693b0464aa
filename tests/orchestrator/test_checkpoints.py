"""Checkpoints of a trial: what is saved can be loaded, and a kill at any moment leaves the newest whole one."""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
import uuid
from collections import OrderedDict, defaultdict
from pathlib import Path

import pytest
import torch

from raystudy.distributions import CategoricalDistribution, FloatDistribution
from raystudy.exceptions import CheckpointUnavailable, StudyError
from raystudy.orchestrator.checkpoints import TrialVault, study_folder, trial_folder
from raystudy.orchestrator.files import shown
from raystudy.trial import News


@pytest.fixture(params=["disk", "file URL", "fsspec", "pyarrow"])
def folder(request, tmp_path):
    """A trial's folder: on a disk, and behind URLs that fsspec and pyarrow open."""
    return {
        "disk": str(tmp_path / "trial"),
        "file URL": f"file://{tmp_path}/trial",
        "fsspec": f"memory://{uuid.uuid4().hex}/trial",
        "pyarrow": f"pyarrow+file://{tmp_path}/trial",
    }[request.param]


def vault(folder, attempt=1):
    """Return a vault as a new process sees it."""
    return TrialVault(str(folder), attempt)


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


class Net:
    """A state that torch cannot read back with ``weights_only``."""

    def __init__(self, weight):
        self.weight = weight


def test_trial_without_checkpoints_has_none(folder):
    empty = vault(folder)
    assert (empty.load(), empty.newest_step(), empty.reports()) == (None, None, {})


def test_state_of_tensors_is_loaded_by_the_next_attempt(folder):
    state = {"model": {"w": torch.arange(3.0)}, "epoch": 4, "history": [1.0, None], "name": ("a", b"b")}
    vault(folder).save(state, 4, {4: 0.5})
    loaded = vault(folder, 2).load()
    assert torch.equal(loaded["model"].pop("w"), torch.arange(3.0))
    assert loaded == {"model": {}, "epoch": 4, "history": [1.0, None], "name": ("a", b"b")}


def test_plain_state_is_stored_by_torch_where_it_is_loaded(tmp_path):
    vault(tmp_path).save({"epoch": 1}, 1, {})
    assert names(tmp_path / "checkpoint-1-1") == ["meta.json", "state.pt"]


def test_plain_state_is_pickled_where_torch_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    vault(tmp_path).save({"epoch": 1}, 1, {})
    assert names(tmp_path / "checkpoint-1-1") == ["meta.json", "state.pkl"]
    assert vault(tmp_path, 2).load() == {"epoch": 1}


@pytest.mark.parametrize("state", [Net([1, 2]), {"net": Net([1, 2])}, {1, 2}, [Path("a")], defaultdict(int)])
def test_arbitrary_object_is_pickled(folder, state):
    vault(folder).save(state, 1, {})
    loaded = vault(folder, 2).load()
    assert type(loaded) is type(state)
    assert (
        repr(vars(loaded) if isinstance(loaded, Net) else loaded)[:10]
        == repr(vars(state) if isinstance(state, Net) else state)[:10]
    )


def test_optimizer_with_its_model_comes_back(folder):
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    vault(folder).save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, 0, {0: 1.0})
    loaded = vault(folder, 2).load()
    optimizer.load_state_dict(loaded["optimizer"])
    model.load_state_dict(loaded["model"])
    assert loaded["optimizer"]["state"][0]["step"] == 1


def test_directory_comes_back_as_a_path_with_its_files(folder, tmp_path):
    made = tmp_path / "made"
    (made / "deep").mkdir(parents=True)
    (made / "deep" / "weights.bin").write_bytes(b"\0\1")
    (made / "config.json").write_text("{}")
    vault(folder).save(made, 3, {})
    shutil.rmtree(made)
    loading = vault(folder, 2)
    loaded = loading.load()
    assert isinstance(loaded, Path)
    assert (loaded / "deep" / "weights.bin").read_bytes() == b"\0\1"
    assert (loaded / "config.json").read_text() == "{}"


def test_path_that_is_no_directory_is_refused(folder, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StudyError, match="expected a directory"):
        vault(folder).save(tmp_path / "file", 1, {})


def test_newest_checkpoint_wins(folder):
    saving = vault(folder)
    for epoch in range(12):  # beyond 9: the count is compared as a number
        saving.save({"epoch": epoch}, epoch, {epoch: 0.5})
    assert vault(folder, 2).load() == {"epoch": 11}
    assert vault(folder, 2).newest_step() == 11


def test_disk_holds_one_checkpoint_of_a_trial_once_its_report_is_noted(tmp_path):
    for attempt in (1, 2):
        saving = vault(tmp_path, attempt)
        for epoch in range(3):
            saving.save({"epoch": epoch}, epoch, {})
            assert len(names(tmp_path)) <= 2
            saving.note_reports({epoch: 0.5})
            assert len(names(tmp_path)) == 1


def test_checkpoint_whose_own_report_was_lost_gives_way_to_the_one_before(folder):
    saving = vault(folder)
    saving.save("first", 4, {})
    saving.note_reports({4: 0.5})
    saving.save("second", 5, {4: 0.5})
    found = vault(folder, 2)
    assert (found.load(), found.newest_step(), found.reports()) == ("first", 4, {4: 0.5})


def test_first_step_is_run_again_when_its_report_was_lost(folder):
    vault(folder).save("state", 0, {})
    assert vault(folder, 2).load() is None


def test_objective_that_reports_seldom_goes_on_from_its_newest_checkpoint(folder):
    saving = vault(folder)
    for step in (10, 11, 12):
        saving.save(step, step, {9: 0.5})
    assert vault(folder, 2).load() == 12


def test_later_attempt_wins_over_an_earlier_one(folder):
    for _ in range(3):
        vault(folder, 1).save("first", 9, {})
    vault(folder, 2).save("second", 1, {})
    assert vault(folder, 3).load() == "second"


def test_checkpoint_that_was_never_completed_is_passed_over_in_silence(tmp_path):
    vault(tmp_path).save("whole", 1, {1: 0.5})
    vault(tmp_path).save("cut short", 2, {2: 0.5})
    (tmp_path / "checkpoint-1-2" / "meta.json").unlink()
    found = vault(tmp_path, 2)
    assert (found.load(), found.newest_step(), found.reports()) == ("whole", 1, {1: 0.5})
    assert found.notes == []


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = [
    (cut, "state.pt"),
    (flip_a_bit, "state.pt"),
    (os.unlink, "state.pt"),
    (cut, "meta.json"),
    (flip_a_bit, "meta.json"),
]


@pytest.mark.parametrize(("damage", "file"), DAMAGES)
def test_damaged_checkpoint_gives_way_to_the_one_before_and_a_line_says_so(tmp_path, damage, file):
    saving = vault(tmp_path)
    saving.save("before", 1, {1: 0.5})
    saving.save("damaged", 2, {1: 0.5, 2: 0.25})
    damage(tmp_path / "checkpoint-1-2" / file)
    found = vault(tmp_path, 2)
    assert (found.load(), found.newest_step(), found.reports()) == ("before", 1, {1: 0.5})
    assert len(found.notes) == 1
    assert "checkpoint-1-2 is damaged" in found.notes[0]
    assert "goes on from the checkpoint of step 1 before" in found.notes[0]


@pytest.mark.parametrize(("damage", "file"), DAMAGES)
def test_trial_whose_only_checkpoint_is_damaged_starts_from_the_beginning_and_says_so(tmp_path, damage, file):
    vault(tmp_path).save("damaged", 2, {2: 0.25})
    damage(tmp_path / "checkpoint-1-1" / file)
    found = vault(tmp_path, 2)
    assert (found.load(), found.newest_step(), found.reports()) == (None, None, {})
    assert "checkpoint-1-1 is damaged" in found.notes[0]
    assert "starts from the beginning" in found.notes[0]
    found.save("anew", 0, {0: 1.0})
    assert vault(tmp_path, 3).load() == "anew"


@pytest.mark.parametrize("damage", [cut, flip_a_bit, os.unlink])
@pytest.mark.parametrize("scheme", ["", "pyarrow+file://"])
def test_directory_with_a_damaged_file_gives_way_to_the_one_before(tmp_path, scheme, damage):
    made = tmp_path / "made"
    made.mkdir()
    saving = vault(f"{scheme}{tmp_path}/trial")
    for step in (1, 2):
        (made / "weights.bin").write_text(f"weights {step}")
        saving.save(made, step, {1: 0.5, step: 0.5})
    damage(tmp_path / "trial" / "checkpoint-1-2" / "files" / "weights.bin")
    found = vault(f"{scheme}{tmp_path}/trial", 2)
    assert (found.load() / "weights.bin").read_text() == "weights 1"
    assert "checkpoint-1-2 is damaged" in found.notes[0]


def test_checkpoint_that_cannot_be_read_just_now_is_an_error_and_stays(tmp_path):
    vault(tmp_path).save("state", 1, {1: 0.5})
    content = (tmp_path / "checkpoint-1-1" / "state.pt").read_bytes()
    (tmp_path / "checkpoint-1-1" / "state.pt").unlink()
    (tmp_path / "checkpoint-1-1" / "state.pt").mkdir()  # reading it is an OSError, not a missing file
    with pytest.raises(CheckpointUnavailable, match="cannot read the checkpoints"):
        vault(tmp_path, 2).load()
    (tmp_path / "checkpoint-1-1" / "state.pt").rmdir()
    (tmp_path / "checkpoint-1-1" / "state.pt").write_bytes(content)
    assert vault(tmp_path, 2).load() == "state"


def test_checkpoint_for_which_the_disk_has_no_room_leaves_the_one_before(tmp_path):
    saving = vault(tmp_path)
    saving.save("small", 1, {1: 0.5})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(StudyError, match="cannot write a checkpoint"):
            saving.save("x" * 1_000_000, 2, {1: 0.5})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == ["checkpoint-1-1"]
    assert vault(tmp_path, 2).load() == "small"


SAVING = """
import sys
from raystudy.orchestrator.checkpoints import TrialVault

vault, known = TrialVault(sys.argv[1], int(sys.argv[2])), {}
known = vault.reports()
print(flush=True)
for step in range(1 + max(known, default=-1), 1_000_000):
    vault.save([step] * 20_000, step, known)
    known[step] = float(step)
    vault.note_reports(known)
"""


@pytest.mark.parametrize("scheme", ["", "pyarrow+file://"])
def test_kill_at_any_moment_leaves_a_whole_checkpoint_whose_reports_are_known(tmp_path, scheme):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng, reached = random.Random(seed), -1
    for attempt in range(1, 6):
        folder = f"{scheme}{tmp_path}/trial"
        command = [sys.executable, "-c", SAVING, folder, str(attempt)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(rng.uniform(0.05, 0.3))
            process.kill()
        found = vault(folder, attempt + 1)
        step = found.newest_step()
        assert step >= reached
        assert found.load() == [step] * 20_000
        assert found.reports() == {known: float(known) for known in range(step + 1)}
        assert len(names(tmp_path / "trial")) <= 3
        if not scheme:
            assert found.notes == []  # a rename happens at once: what is there is whole
        reached = step


def test_checkpoint_after_a_half_written_one_is_whole(tmp_path):
    vault(tmp_path).save("cut short", 1, {})
    (tmp_path / "checkpoint-1-1" / "meta.json").unlink()
    vault(tmp_path, 2).save("whole", 2, {})
    assert vault(tmp_path, 3).load() == "whole"


@pytest.mark.parametrize("reported", [True, False])
def test_zombie_of_an_older_attempt_never_wins(folder, reported):
    zombie = vault(folder, 1)
    zombie.save("begun", 1, {1: 0.5})
    vault(folder, 2).save("successor", 2, {2: 0.5} if reported else {})
    zombie.save("zombie", 50, {50: 9.0})
    assert vault(folder, 3).load() == ("successor" if reported else "begun")


def test_zombie_leaves_the_files_of_its_successor_alone(folder):
    zombie, successor = vault(folder, 1), vault(folder, 2)
    zombie.save("zombie", 1, {1: 0.5})
    for step in (2, 3):
        successor.save("successor", step, {step: 0.5})
        zombie.save("zombie", step, {})
        zombie.note_reports({step: 0.5})
    assert successor.load() == "successor"
    successor.note_reports({3: 0.25})
    assert vault(folder, 3).reports() == {3: 0.25}


def test_reports_travel_with_the_checkpoint(folder):
    vault(folder).save("state", 2, {0: 0.5, 1: float("inf"), 2: -1.0})
    assert vault(folder, 2).reports() == {0: 0.5, 1: float("inf"), 2: -1.0}


def test_reports_noted_later_replace_those_of_the_checkpoint(folder):
    saving = vault(folder)
    saving.save("state", None, {0: 0.5})
    saving.note_reports({0: 0.5, 1: 0.25})
    assert vault(folder, 2).reports() == {0: 0.5, 1: 0.25}
    assert vault(folder, 2).newest_step() == 1


def test_what_a_trial_has_told_travels_with_the_checkpoint(folder):
    params = {
        "lr": (1e-3, FloatDistribution(1e-5, 1, log=True)),
        "k": ("b", CategoricalDistribution(["a", "b"])),
    }
    saving = vault(folder)
    saving.save("state", 0, {}, News(params, {"note": {"1": [float("inf"), "ä"]}}))
    saving.note_reports({0: 0.5})
    assert vault(folder, 2).news() == News(params, {"note": {"1": [float("inf"), "ä"]}})
    assert vault(folder, 2).notes == []


def test_noting_reports_before_any_checkpoint_writes_nothing(tmp_path):
    vault(tmp_path / "trial").note_reports({0: 1.0})
    assert not (tmp_path / "trial").exists()


def test_folder_that_cannot_be_written_names_the_option_to_change(tmp_path):
    (tmp_path / "occupied").write_text("a file")
    with pytest.raises(StudyError, match=r"occupied.*storage_path"):
        vault(tmp_path / "occupied" / "trial").save("state", 1, {})


def test_other_files_in_the_folder_do_not_matter(tmp_path):
    (tmp_path / "checkpoint-x").mkdir()
    (tmp_path / "log.txt").write_text("")
    vault(tmp_path).save("state", 1, {})
    assert vault(tmp_path, 2).load() == "state"


def test_meta_is_plain_json_with_the_checksums_of_all_files(tmp_path):
    vault(tmp_path).save({"a": 1}, 7, {7: 0.5})
    meta = json.loads((tmp_path / "checkpoint-1-1" / "meta.json").read_text())
    assert (meta["kind"], meta["step"], meta["reports"]) == ("pt", 7, {"7": 0.5})
    assert meta["files"].keys() == {"state.pt"}


@pytest.mark.parametrize("name", ["a/b c", "../../etc", "..", "", "x" * 500, "日本"])
def test_study_has_one_folder_below_the_root_whatever_it_is_called(name):
    root, folder = study_folder("s3://bucket/root/", name, "token").rsplit("/", 1)
    assert root == "s3://bucket/root"
    assert folder.endswith("-token")
    assert not folder.startswith(".")
    assert len(folder) <= 107


def test_trial_folder_is_named_by_the_number():
    assert trial_folder("root/study-token", 12) == "root/study-token/trials/00012"


def test_options_of_a_url_stay_at_its_end():
    study = study_folder("s3://bucket/root/?endpoint_override=minio:9000&scheme=http", "name", "token")
    options = "?endpoint_override=minio:9000&scheme=http"
    assert study == f"s3://bucket/root/name-token{options}"
    assert trial_folder(study, 3) == f"s3://bucket/root/name-token/trials/00003{options}"


def test_no_line_about_a_checkpoint_shows_the_password_of_its_url():
    assert shown("pyarrow+s3://key:pass@bucket/x?secret_key=pass") == "pyarrow+s3://bucket/x"
    assert shown("abfs://container@account/x") == "abfs://container@account/x"
    assert shown("/home/a?b") == "/home/a?b"


@pytest.mark.parametrize("url", ["nonsense://bucket/x", "pyarrow+nonsense://bucket/x"])
def test_url_that_nobody_can_open_names_it_and_what_to_install(url):
    with pytest.raises(StudyError, match=r"nonsense://.*Install the package"):
        vault(url).save("state", 1, {})


def test_ordered_dictionaries_are_stored_by_torch(tmp_path):
    vault(tmp_path).save(OrderedDict(a=1), 1, {})
    assert names(tmp_path / "checkpoint-1-1") == ["meta.json", "state.pt"]
    assert vault(tmp_path, 2).load() == OrderedDict(a=1)
