"""Files of what could not be stored: whole or not there, stored once, and only for the owner of the call."""

import datetime as dt
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystudy.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from raystudy.exceptions import StorageUnavailable, StudyError
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator.calls import begin_call
from raystudy.orchestrator.spool import Part, Spool, restore, save
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import ClaimTrial, CreateTrial, Fence, FinishTrial, Report, SetAttrs, SetParams

NOW = dt.datetime(2026, 7, 1, 12, 30, 15, 123456)
FENCE = Fence("call", "owner")
PARAMS = {
    "lr": (1e-3, FloatDistribution(1e-5, 1e-1, log=True)),
    "depth": (3, IntDistribution(1, 9, step=2)),
    "kind": (None, CategoricalDistribution((1, "ä", None, True, 0.5))),
}


class World:
    """A study with one trial of a call that has died, and what it left in its folder."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.storage = InMemoryStorage()
        self.study_id = self.storage.create_study("s", [StudyDirection.MINIMIZE])
        self.storage.open_call(self.study_id, FENCE, 5, -1.0)
        write = CreateTrial(0, TrialState.RUNNING, NOW, system_attrs={"raystudy:call": "call"})
        ((self.trial_id, _),) = self.storage.commit(self.study_id, [write], FENCE).created
        self.finish = FinishTrial(self.trial_id, TrialState.COMPLETE, [0.5], NOW)
        self.said = []

    def leave(self, *writes, study_attrs=None, fence=FENCE, study_id=None):
        part = Part(study_id or self.study_id, fence, study_attrs or {}, writes)
        return Spool(self.folder).save(part)

    def restore(self):
        restore(self.storage, self.study_id, "call", self.folder, self.said.append)
        return self.storage.read_trials(self.study_id)

    def files(self):
        return sorted(path.name for path in Path(self.folder, "unsaved").iterdir())


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "study")


numbers = st.floats()
writes = st.lists(
    st.one_of(
        st.builds(Report, st.integers(1, 9), st.integers(-5, 5), numbers),
        st.builds(SetAttrs, st.integers(1, 9), st.dictionaries(st.text(), st.none() | st.text() | st.integers())),
        st.just(SetParams(7, PARAMS)),
        st.builds(FinishTrial, st.integers(1, 9), st.sampled_from([TrialState.COMPLETE, TrialState.PRUNED]),
                  st.none() | st.lists(numbers, max_size=2), st.datetimes().map(lambda time: time.replace(fold=0))),
    ),
    min_size=1,
)  # fmt: skip


@given(writes)
def test_what_is_saved_is_what_is_loaded(content):
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(folder)
        part = Part(3, FENCE, {"raystudy:first_step": 1}, content)
        path = spool.save(part)
        assert repr(spool.load(path)) == repr(part)  # repr: a NaN equals itself there
        for line in Path(path).read_text().splitlines():
            json.loads(line, parse_constant=pytest.fail)


def test_creations_and_claims_alone_are_not_worth_a_file(world):
    assert world.leave(CreateTrial(1, TrialState.RUNNING, NOW), ClaimTrial(1, NOW)) is None
    assert not os.path.exists(world.folder)


@pytest.mark.filterwarnings("ignore:choice .* is of type set:UserWarning")
def test_a_trial_that_told_what_no_database_takes_is_left_out_whole(world):
    odd = CategoricalDistribution(("a", {1}))  # a set has no JSON form
    params = SetParams(world.trial_id, {"lr": PARAMS["lr"]})
    assert world.leave(params, SetParams(world.trial_id, {"odd": ("a", odd)}), world.finish) is None
    assert world.leave(Report(99, 0, 0.5), SetAttrs(world.trial_id, {"odd": {1}}), world.finish)
    (path,) = Spool(world.folder).parts("call")
    assert Spool(world.folder).load(path).writes == [Report(99, 0, 0.5)]


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name_can_save_and_restore(world, tmp_path, monkeypatch, error):
    def getuser():
        raise error("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", getuser)  # as in a container whose user has a number only
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    Path(world.folder).write_text("not a folder")
    assert f"raystudy-{os.getuid()}" in save(world.folder, Part(world.study_id, FENCE, {}, [world.finish]))
    assert world.restore()[0].values == [0.5]


def test_parts_are_stored_in_order_once_and_said(world):
    world.leave(SetParams(world.trial_id, PARAMS), Report(world.trial_id, 0, math.nan), study_attrs={"k": 1})
    world.leave(SetAttrs(world.trial_id, {"a": 1}), world.finish)
    (trial,) = world.restore()
    assert (trial.state, trial.values, trial.datetime_complete) == (TrialState.COMPLETE, [0.5], NOW)
    assert (trial.params["depth"], trial.user_attrs, list(trial.intermediate_values)) == (3, {"a": 1}, [0])
    assert world.storage.read_study(world.study_id).system_attrs["k"] == 1
    assert world.files() == []
    assert "stored 2 writes of an interrupted call, 1 finished trials among them" in world.said[1]


def test_a_part_that_was_stored_and_not_deleted_is_stored_again_without_harm(world):
    for _ in range(2):
        world.leave(Report(world.trial_id, 0, 0.5), world.finish)
        assert world.restore()[0].values == [0.5]
    assert "1 finished" in world.said[1]


def test_nothing_is_stored_for_an_owner_that_has_lost_the_call(world):
    world.leave(world.finish)
    assert world.storage.take_over_call(world.study_id, Fence("call", "another"), 5, 15.0)
    assert world.restore()[0].state is TrialState.RUNNING
    assert world.files() == ["call.owner.0001.jsonl.refused"]
    assert "cannot be stored" in world.said[0]


def test_a_damaged_part_is_kept_and_not_stored(world):
    path = Path(world.leave(Report(world.trial_id, 0, 0.5), world.finish))
    path.write_text(path.read_text().replace("0.5", "0.6"))
    assert world.restore()[0].state is TrialState.RUNNING
    assert world.files() == ["call.owner.0001.jsonl.refused"]
    assert "damaged" in world.said[0]


@pytest.mark.parametrize("change", [("study_id", 99), ("spool", 2)])
def test_a_part_of_another_study_or_version_is_refused(world, change):
    path = Path(world.leave(world.finish))
    head, _, body = path.read_text().partition("\n")
    path.write_text(json.dumps({**json.loads(head), change[0]: change[1]}) + "\n" + body)
    assert world.restore()[0].state is TrialState.RUNNING
    assert "expected" in world.said[0]


def test_all_is_kept_while_the_database_is_still_out_of_reach(world):
    world.leave(world.finish)

    class Lost(InMemoryStorage):
        def commit(self, *_):
            raise StorageUnavailable("gone")

    with pytest.raises(StorageUnavailable):
        restore(Lost(), world.study_id, "call", world.folder, world.said.append)
    assert world.files() == ["call.owner.0001.jsonl"]


def test_the_next_call_stores_what_was_left_before_it_takes_over(world):
    world.leave(world.finish)
    call = begin_call(world.storage, world.study_id, 5, world.said.append, study_folder=world.folder)
    assert call.taken_over
    assert world.storage.read_trial(world.trial_id).values == [0.5]


def test_a_folder_that_cannot_be_written_has_a_substitute(world, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    Path(world.folder).write_text("not a folder")
    path = save(world.folder, Part(world.study_id, FENCE, {}, [world.finish]))
    assert path.startswith(str(tmp_path / "tmp"))
    assert world.restore()[0].values == [0.5]
    Path(tmp_path / "tmp").rename(tmp_path / "gone")
    Path(tmp_path / "tmp").write_text("no folder either")
    with pytest.raises(StudyError, match="expected a folder that can be written"):
        save(world.folder, Part(world.study_id, FENCE, {}, [world.finish]))


SAVE_FOREVER = """
import datetime as dt, sys
from raystudy.orchestrator.spool import Part, Spool
from raystudy.storages.base import Fence, Report
spool = Spool(sys.argv[1])
print("begin", flush=True)
while True:
    spool.save(Part(1, Fence("call", "owner"), {}, [Report(1, step, 0.5) for step in range(20_000)]))
"""


def test_a_kill_while_a_part_is_written_leaves_only_whole_parts(tmp_path):
    rng = random.Random(seed := random.SystemRandom().randrange(10**6))
    print(f"seed {seed}")
    spool = Spool(str(tmp_path))
    for _ in range(3):
        saver = subprocess.Popen([sys.executable, "-c", SAVE_FOREVER, str(tmp_path)], stdout=subprocess.PIPE)
        saver.stdout.readline()
        time.sleep(rng.uniform(0.2, 0.6))
        saver.send_signal(signal.SIGKILL)
        saver.wait()
        saver.stdout.close()
    paths = spool.parts("call")
    assert paths == [
        str(tmp_path / "unsaved" / f"call.owner.{n:04d}.jsonl") for n in range(1, len(paths) + 1)
    ]
    assert {len(spool.load(path).writes) for path in paths} == {20_000}
