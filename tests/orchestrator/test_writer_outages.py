"""A database that stays away: the writer waits, within bounds, and what it cannot store is in a file."""

import datetime as dt
import queue
import threading
import time

import pytest

from raystudy.distributions import CategoricalDistribution
from raystudy.exceptions import LeaseLost, StorageUnavailable
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator import patience, writer
from raystudy.orchestrator.patience import Patience
from raystudy.orchestrator.spool import Spool, restore
from raystudy.orchestrator.writer import Outage, ThreadedWriter, WriterFailed
from raystudy.storages.base import CreateTrial, Fence, FinishTrial, Report, SetParams
from raystudy.storages.rdb import RDBStorage

NOW = dt.datetime(2026, 7, 1)
FENCE = Fence("call", "owner")


class Away(RDBStorage):
    """A real database that can be taken away, and whose commits can be made to hang."""

    lost = False

    def commit(self, study_id, writes, fence=None):
        assert self.gate.wait(20)
        if self.lost:
            raise StorageUnavailable("expected a database that answers, found: disk full")
        self.batches.append(len(writes))
        return super().commit(study_id, writes, fence)


class Bench:
    """A study with a running trial, its writer, and what the writer told."""

    def __init__(self, folder):
        self.folder = str(folder / "study")
        self.storage = Away(f"sqlite:///{folder}/study.db")
        self.storage.gate, self.storage.batches = threading.Event(), []
        self.storage.gate.set()
        self.study_id = self.storage.create_study("study", [StudyDirection.MINIMIZE])
        self.storage.open_call(self.study_id, FENCE, None, 60.0)
        write = CreateTrial(0, TrialState.RUNNING, NOW, system_attrs={"raystudy:call": "call"})
        ((self.trial_id, _),) = self.storage.commit(self.study_id, [write], FENCE).created
        self.heard = queue.SimpleQueue()
        self.writer = ThreadedWriter(self.storage, self.study_id, FENCE, self.heard.put, self.folder)

    def report(self, *steps):
        for step in steps:
            self.writer.submit([Report(self.trial_id, step, 0.5)])

    def finish(self):
        self.writer.submit([FinishTrial(self.trial_id, TrialState.COMPLETE, [0.5], NOW)], 0)

    def hears(self, kind):
        while not isinstance(word := self.heard.get(timeout=10), kind):
            pass
        return word

    def restored(self):
        self.storage.lost = False
        restore(self.storage, self.study_id, "call", self.folder, lambda line: None)
        return self.storage.read_trial(self.trial_id)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "CLOSE_S", 0.3)
    bench = Bench(tmp_path)
    yield bench
    bench.storage.gate.set()
    bench.writer.close()
    bench.writer._thread.join()
    bench.storage.close()


def test_after_a_long_outage_the_call_ends_and_all_is_in_a_file(bench, monkeypatch):
    monkeypatch.setattr(patience, "OUTAGE_S", 0.5)
    bench.storage.lost = True
    bench.report(0)
    bench.finish()
    assert bench.hears(Outage).lost
    error = bench.hears(WriterFailed).error
    assert isinstance(error, StorageUnavailable)
    assert f"disk full; what was not stored is saved in {bench.folder}/unsaved/call.owner.0001.jsonl" in str(
        error
    )
    assert bench.writer.close() is None
    trial = bench.restored()
    assert (trial.values, trial.intermediate_values) == ([0.5], {0: 0.5})


@pytest.mark.filterwarnings("ignore:choice .* is of type set:UserWarning")
def test_a_write_that_neither_database_nor_file_can_hold_is_told(bench):
    odd = CategoricalDistribution(("a", {1}))  # a set has no JSON form
    bench.writer.submit([SetParams(bench.trial_id, {"odd": ("a", odd)})], 0)
    error = bench.hears(WriterFailed).error
    assert isinstance(error, TypeError)
    assert "parameter 'odd': expected choices of None, bool, int, float or str" in str(error)
    assert bench.writer.close() is None


def test_what_comes_in_after_the_end_is_in_a_file_too(bench, monkeypatch):
    monkeypatch.setattr(patience, "OUTAGE_S", 0.0)
    bench.storage.lost = True
    bench.report(0)
    bench.hears(WriterFailed)
    bench.report(1)
    bench.finish()
    assert "0002.jsonl" in bench.writer.close()
    trial = bench.restored()
    assert (trial.values, list(trial.intermediate_values)) == ([0.5], [0, 1])


def test_close_does_not_wait_for_an_outage_to_end(bench):
    bench.storage.lost = True
    bench.finish()
    assert bench.hears(Outage).lost
    begun = time.monotonic()
    assert "saved in" in bench.writer.close()
    assert time.monotonic() - begun < 2
    assert bench.restored().values == [0.5]


def test_close_waits_for_a_short_outage(bench, monkeypatch):
    monkeypatch.setattr(writer, "CLOSE_S", 10.0)
    bench.storage.lost = True
    bench.finish()
    bench.hears(Outage)
    bench.storage.lost = False
    assert bench.writer.close() is None
    assert bench.storage.read_trial(bench.trial_id).values == [0.5]


def test_a_commit_that_hangs_does_not_hold_close_up_and_may_still_happen(bench):
    bench.storage.gate.clear()
    bench.report(0)
    bench.finish()
    assert "saved in" in bench.writer.close()
    bench.storage.gate.set()
    bench.writer._thread.join()
    assert bench.storage.read_trial(bench.trial_id).values == [0.5]
    assert bench.restored().intermediate_values == {0: 0.5}


def test_what_waits_is_bounded_and_at_the_bound_saved(bench, monkeypatch):
    monkeypatch.setattr(writer, "MAX_WAITING", 100)
    bench.storage.gate.clear()
    bench.report(*range(250))
    assert "more than 100 writes wait" in str(bench.hears(WriterFailed).error)
    assert bench.writer._n_waiting <= 100
    bench.storage.gate.set()
    bench.writer.close()
    assert len(Spool(bench.folder).parts("call")) == 3
    assert len(bench.restored().intermediate_values) == 250


def test_a_backlog_is_stored_in_several_transactions(bench, monkeypatch):
    monkeypatch.setattr(writer, "MAX_BATCH", 40)
    bench.storage.lost = True
    bench.report(*range(100))
    bench.hears(Outage)
    bench.storage.lost = False
    bench.finish()
    assert bench.hears(writer.Acknowledgement).ticket == 0
    assert max(bench.storage.batches) == 40
    assert len(bench.storage.read_trial(bench.trial_id).intermediate_values) == 100


def test_nothing_is_saved_for_a_call_that_is_anothers(bench):
    bench.storage.renew_call(bench.study_id, FENCE, -1.0)
    assert bench.storage.take_over_call(bench.study_id, Fence("call", "another"), None, 60.0)
    bench.finish()
    assert isinstance(bench.hears(WriterFailed).error, LeaseLost)
    assert bench.writer.close() is None
    assert Spool(bench.folder).parts("call") == []


def test_study_attributes_are_stored_before_what_follows_and_outlive_an_outage(bench):
    bench.storage.lost = True
    bench.writer.set_study_attrs({"raystudy:first_step": 1})
    bench.report(1)
    bench.hears(Outage)
    bench.writer.close()
    bench.restored()
    assert bench.storage.read_study(bench.study_id).system_attrs["raystudy:first_step"] == 1


def test_an_outage_is_measured_even_if_nothing_is_said(bench, monkeypatch):
    monkeypatch.setattr(patience, "_SLOW_S", 0.1)
    assert bench.writer.outage_s() is None
    bench.storage.gate.clear()
    bench.finish()
    time.sleep(0.3)
    assert 0.1 < bench.writer.outage_s() < 5
    bench.storage.gate.set()
    bench.hears(writer.Acknowledgement)
    assert bench.writer.outage_s() is None


def test_a_single_failure_is_no_outage_and_more_are_said_once():
    for n_failures, said in ((1, []), (5, [True, False])):
        failures, told, pauses = [StorageUnavailable("gone")] * n_failures, [], []

        def verb(failures=failures):
            if failures:
                raise failures.pop()
            return "stored"

        patient = Patience(lambda outage, told=told: told.append(outage.lost), pauses.append)
        assert patient(verb) == "stored"
        assert told == said
        assert pauses == [0.1, 0.3, 1.0, 3.0, 3.0][:n_failures]
