"""The mirror's writer on a real SQLite database: order, tickets, lag, lost leases and outages."""

import datetime as dt
import queue
import sqlite3
import threading
import time

import pytest

from raystudy.exceptions import LeaseLost, StorageUnavailable
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator import writer as writer_module
from raystudy.orchestrator.writer import (
    Acknowledgement,
    DirectWriter,
    Outage,
    ThreadedWriter,
    WriterFailed,
    new_writer,
)
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import ClaimTrial, CreateTrial, Fence, FinishTrial, Report, SetAttrs
from raystudy.storages.rdb import RDBStorage

NOW = dt.datetime(2026, 7, 1)
FENCE = Fence("call", "owner")


def create(number=None, state=TrialState.RUNNING):
    return CreateTrial(number, state, None if state is TrialState.WAITING else NOW)


class Observed:
    """A real storage whose commits can be held up, made to fail, and read afterwards."""

    def __init__(self, storage):
        self.storage = storage
        self.commits = []
        self.failures = []
        self.entered, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def __getattr__(self, name):
        return getattr(self.storage, name)

    def commit(self, study_id, writes, fence=None):
        self.entered.set()
        assert self.gate.wait(10)
        if self.failures:
            raise self.failures.pop()
        self.commits.append(list(writes))
        return self.storage.commit(study_id, writes, fence)


class Bench:
    """A study on SQLite with a writer, and what the writer delivered."""

    def __init__(self, path):
        self.path = path
        waits_briefly = {"connect_args": {"timeout": 0.05}}
        self.observed = Observed(RDBStorage(f"sqlite:///{path}", waits_briefly))
        self.study_id = self.observed.create_study("study", [StudyDirection.MINIMIZE])
        self.observed.open_call(self.study_id, FENCE, None, 60.0)
        self.inbox = queue.SimpleQueue()
        self.outages = []
        self.writer = ThreadedWriter(self.observed, self.study_id, FENCE, self.deliver)

    def deliver(self, word):
        if isinstance(word, Outage):
            self.outages.append(word.lost)
        else:
            self.inbox.put(word)

    def submit(self, *writes, ticket=None):
        self.writer.submit(writes, ticket)

    def delivered(self):
        return self.inbox.get(timeout=10)

    def trial_id(self):
        self.submit(create(), ticket="create")
        return self.delivered().created[0][0]

    def trials(self):
        return self.observed.read_trials(self.study_id)

    def submit_while_busy(self, *submissions):
        """Submit (writes, ticket) pairs while another commit is under way, then let all of them go."""
        self.observed.gate.clear()
        self.observed.entered.clear()
        self.submit(ticket="busy")
        assert self.observed.entered.wait(10)
        for writes, ticket in submissions:
            self.writer.submit(writes, ticket)
        self.observed.gate.set()
        assert self.delivered().ticket == "busy"


def until(found, deadline_s=10.0):
    """Wait until ``found`` returns something true, and return how long that took."""
    begun = time.monotonic()
    while not found():
        assert time.monotonic() - begun < deadline_s
        time.sleep(0.01)
    return time.monotonic() - begun


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "study.db")
    yield bench
    bench.observed.gate.set()
    bench.writer.close()
    bench.observed.close()


def test_writes_are_stored_in_the_order_in_which_they_were_submitted(bench):
    trial_id = bench.trial_id()
    for step in range(30):
        bench.submit(SetAttrs(trial_id, user_attrs={"last": step}), Report(trial_id, step, float(step)))
    bench.submit(FinishTrial(trial_id, TrialState.COMPLETE, [1.0], NOW), ticket=0)
    assert not bench.delivered().refused
    (trial,) = bench.trials()
    assert trial.user_attrs == {"last": 29}
    assert list(trial.intermediate_values) == list(range(30))


def test_what_waits_shares_one_transaction(bench):
    bench.submit_while_busy(([create(0)], "a"), ([create(1)], "b"), ([create(2)], None))
    assert [bench.delivered().ticket for _ in "ab"] == ["a", "b"]
    assert bench.observed.commits[1:] == [[create(0), create(1), create(2)]]


def test_each_ticket_is_given_its_own_part_of_a_shared_commit(bench):
    bench.submit(create(0, TrialState.WAITING), ticket="waiting")
    (waiting, _), *_ = bench.delivered().created
    claim = ClaimTrial(waiting, NOW)
    bench.submit_while_busy(
        ([create(1)], "first"),
        ([create(9)], None),
        ([claim], "claim"),
        ([create(9), create(2), claim], "last"),
    )
    first, claimed, last = (bench.delivered() for _ in range(3))
    assert [number for _, number in first.created] == [1]
    assert (claimed.created, claimed.claimed) == ([], [True])
    assert (last.created[0], last.created[1][1], last.claimed) == (None, 2, [False])


def test_trials_that_others_finished_are_named_as_refused(bench):
    trial_id = bench.trial_id()
    bench.observed.storage.commit(bench.study_id, [FinishTrial(trial_id, TrialState.FAIL, None, NOW)])
    bench.submit(FinishTrial(trial_id, TrialState.COMPLETE, [1.0], NOW), ticket=0)
    assert bench.delivered().refused == {trial_id: bench.trials()[0]}
    assert bench.trials()[0].state is TrialState.FAIL


def test_refused_writes_without_a_ticket_are_told(bench):
    trial_id = bench.trial_id()
    bench.observed.storage.commit(bench.study_id, [FinishTrial(trial_id, TrialState.FAIL, None, NOW)])
    bench.submit(Report(trial_id, 0, 0.5))
    told = bench.delivered()
    assert (told.ticket, told.refused[trial_id].state) == (None, TrialState.FAIL)


def test_a_refused_creation_is_told_the_next_free_number(bench):
    bench.observed.storage.commit(bench.study_id, [create(), create()])
    bench.submit(create(0), ticket="late")
    told = bench.delivered()
    assert (told.created, told.next_number) == ([None], 2)


def test_write_without_a_ticket_is_stored_within_about_a_second(bench):
    trial_id = bench.trial_id()
    bench.submit(Report(trial_id, 0, 0.5))
    assert until(lambda: bench.trials()[0].intermediate_values) < 1.5
    assert bench.inbox.empty()


def test_reports_without_a_ticket_wait_for_company(bench):
    trial_id = bench.trial_id()
    for step in range(20):
        bench.submit(Report(trial_id, step, 0.5))
    until(lambda: len(bench.trials()[0].intermediate_values) == 20)
    assert len(bench.observed.commits) <= 3


def test_ticket_takes_the_waiting_reports_along_at_once(bench, monkeypatch):
    trial_id = bench.trial_id()
    monkeypatch.setattr(writer_module, "LAG_S", 60.0)
    bench.submit(Report(trial_id, 0, 0.5))
    bench.submit(FinishTrial(trial_id, TrialState.COMPLETE, [1.0], NOW), ticket=0)
    assert bench.delivered().ticket == 0
    assert bench.trials()[0].intermediate_values == {0: 0.5}


def test_close_stores_the_rest(bench):
    trial_id = bench.trial_id()
    bench.submit(Report(trial_id, 0, 0.5))
    bench.writer.close()
    assert bench.trials()[0].intermediate_values == {0: 0.5}


def test_lost_lease_is_delivered_and_nothing_is_stored(bench):
    bench.observed.renew_call(bench.study_id, FENCE, 0.0)
    until(lambda: bench.observed.take_over_call(bench.study_id, Fence("call", "other"), None, 60.0))
    bench.submit(create(0), ticket="late")
    failed = bench.delivered()
    assert isinstance(failed, WriterFailed)
    assert isinstance(failed.error, LeaseLost)
    assert bench.trials() == []


def test_lease_is_renewed_while_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "RENEW_EVERY_S", 0.05)
    bench = Bench(tmp_path / "study.db")
    bench.observed.renew_call(bench.study_id, FENCE, 1.0)
    until(lambda: bench.observed.read_calls(bench.study_id)[0].lease_s > 2.0)
    bench.writer.close()


def test_unavailable_database_is_tried_again_until_it_answers(bench):
    bench.observed.failures = [StorageUnavailable("gone"), StorageUnavailable("gone")]
    bench.submit(create(0), ticket="patient")
    assert bench.delivered() == Acknowledgement("patient", [(1, 0)], [])
    assert bench.outages == [True, False]


def test_locked_database_holds_nothing_up_but_the_writer(bench):
    trial_id = bench.trial_id()
    with sqlite3.connect(bench.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        bench.submit(FinishTrial(trial_id, TrialState.COMPLETE, [1.0], NOW), ticket=0)
        until(lambda: bench.outages == [True])
        begun = time.monotonic()
        bench.submit(create(1), ticket="next")
        assert time.monotonic() - begun < 0.5
        other.execute("ROLLBACK")
    other.close()
    assert [bench.delivered().ticket for _ in range(2)] == [0, "next"]
    assert bench.outages == [True, False]


def test_lease_that_cannot_be_renewed_in_an_outage_ends_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "RENEW_EVERY_S", 0.02)
    bench = Bench(tmp_path / "study.db")
    with sqlite3.connect(bench.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(0.3)
        other.execute("ROLLBACK")
    other.close()
    bench.submit(create(0), ticket="after")
    assert bench.delivered().ticket == "after"
    bench.writer.close()


def test_storage_in_memory_is_written_at_once():
    storage = InMemoryStorage()
    study_id = storage.create_study("study", [StudyDirection.MINIMIZE])
    storage.open_call(study_id, FENCE, None, 60.0)
    delivered = []
    writer = new_writer(storage, study_id, FENCE, delivered.append)
    assert isinstance(writer, DirectWriter)
    writer.submit([create(0)], "now")
    writer.submit([SetAttrs(1, user_attrs={"a": 1})])
    assert delivered == [Acknowledgement("now", [(1, 0)], [])]
    assert storage.read_trials(study_id)[0].user_attrs == {"a": 1}


def test_writer_of_a_database_has_a_thread_of_its_own(tmp_path):
    storage = RDBStorage(f"sqlite:///{tmp_path}/study.db")
    study_id = storage.create_study("study", [StudyDirection.MINIMIZE])
    writer = new_writer(storage, study_id, FENCE, lambda message: None)
    assert isinstance(writer, ThreadedWriter)
    writer.close()
    storage.close()
