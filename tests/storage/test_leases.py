"""A lease has one owner at a time, by the storage's own clock, and only the owner writes."""

import datetime as dt
import threading
import time

import pytest

from raystudy.exceptions import LeaseLost
from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import CallRecord, CreateTrial, Fence, FinishTrial, Report, SetAttrs
from raystudy.storages.rdb import RDBStorage

OLD, NEW = Fence("call-1", "old-driver"), Fence("call-1", "new-driver")
NOW = dt.datetime(2026, 7, 1)


def test_an_open_call_is_listed_until_it_ends(storage, study_id):
    storage.open_call(study_id, OLD, 100, 30.0)
    storage.open_call(study_id, Fence("call-2", "x"), None, 30.0)
    first, second = storage.read_calls(study_id)
    assert (first.call_id, first.owner, first.target, first.ended) == ("call-1", "old-driver", 100, False)
    assert 25 < first.lease_s <= 30
    assert (second.call_id, second.target) == ("call-2", None)
    storage.end_call(study_id, OLD)
    assert [call.call_id for call in storage.read_calls(study_id)] == ["call-2"]


def test_a_call_is_a_study_attribute_that_others_can_read(storage, study_id):
    storage.open_call(study_id, OLD, 7, 30.0)
    state = storage.read_study(study_id).system_attrs["raystudy:call:call-1"]
    assert state == {"owner": "old-driver", "target": 7, "ended": False, "expires": state["expires"]}
    assert state["expires"] == pytest.approx(time.time() + 30.0, abs=5)


def test_a_live_lease_cannot_be_taken_over(storage, study_id):
    storage.open_call(study_id, OLD, 100, 30.0)
    assert not storage.take_over_call(study_id, NEW, 100, 30.0)
    assert storage.read_calls(study_id)[0].owner == "old-driver"


def test_a_lease_that_was_given_up_is_taken_over_once(storage, study_id):
    storage.open_call(study_id, OLD, 100, 30.0)
    storage.renew_call(study_id, OLD, 0.0)
    assert storage.read_calls(study_id)[0].lease_s <= 0
    assert storage.take_over_call(study_id, NEW, 60, 30.0)
    assert not storage.take_over_call(study_id, Fence("call-1", "third"), 60, 30.0)
    (call,) = storage.read_calls(study_id)
    assert (call.owner, call.target, call.lease_s > 25) == ("new-driver", 60, True)


def test_a_renewed_lease_runs_on(storage, study_id):
    storage.open_call(study_id, OLD, 100, 0.0)
    storage.renew_call(study_id, OLD, 30.0)
    assert not storage.take_over_call(study_id, NEW, 100, 30.0)


def test_an_ended_or_unknown_call_cannot_be_taken_over(storage, study_id):
    storage.open_call(study_id, OLD, 100, 30.0)
    storage.end_call(study_id, OLD)
    assert not storage.take_over_call(study_id, NEW, 100, 30.0)
    assert not storage.take_over_call(study_id, Fence("no-such-call", "x"), 100, 30.0)


@pytest.fixture
def robbed(storage, study_id):
    """A trial of a driver that has lost its call to another one."""
    storage.open_call(study_id, OLD, 100, 30.0)
    ((trial_id, _),) = storage.commit(study_id, [CreateTrial(0, TrialState.RUNNING, NOW)], OLD).created
    storage.renew_call(study_id, OLD, 0.0)
    assert storage.take_over_call(study_id, NEW, 100, 30.0)
    return trial_id


def test_a_late_writer_is_refused_and_nothing_is_written(storage, study_id, robbed):
    before = storage.read_trials(study_id)
    late = [
        CreateTrial(None, TrialState.RUNNING, NOW),
        Report(robbed, 0, 1.0),
        SetAttrs(robbed, {"a": 1}, {"b": 2}),
        FinishTrial(robbed, TrialState.COMPLETE, [1.0], NOW),
    ]
    with pytest.raises(LeaseLost, match="call-1: expected owner old-driver, found new-driver"):
        storage.commit(study_id, late, OLD)
    assert storage.read_trials(study_id) == before
    assert storage.commit(study_id, late[1:], NEW).refused == set()


def test_the_old_owner_can_neither_renew_nor_end_nor_reopen(storage, study_id, robbed):
    calls = [
        lambda: storage.renew_call(study_id, OLD, 99.0),
        lambda: storage.end_call(study_id, OLD),
        lambda: storage.open_call(study_id, OLD, 1, 99.0),
        lambda: storage.commit(study_id, [], OLD),
    ]
    for call in calls:
        with pytest.raises(LeaseLost):
            call()
    (record,) = storage.read_calls(study_id)
    assert (record.owner, record.target, record.lease_s < 31) == ("new-driver", 100, True)


def test_opening_a_call_twice_is_harmless(storage, study_id):
    storage.open_call(study_id, OLD, 100, 30.0)
    storage.open_call(study_id, OLD, 100, 30.0)
    assert len(storage.read_calls(study_id)) == 1


def test_of_many_takers_exactly_one_wins(storage, study_id):
    for round_ in range(5):
        call_id = f"call-{round_}"
        storage.open_call(study_id, Fence(call_id, "dead"), 10, -1.0)
        barrier, winners = threading.Barrier(4), []

        def take(owner, call_id=call_id, barrier=barrier, winners=winners):
            barrier.wait()
            if storage.take_over_call(study_id, Fence(call_id, owner), 10, 30.0):
                winners.append(owner)

        threads = [threading.Thread(target=take, args=(f"taker-{i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) == 1
        assert {call.call_id: call.owner for call in storage.read_calls(study_id)}[call_id] == winners[0]


def test_of_two_programs_with_connections_of_their_own_one_wins(url):
    storages = [RDBStorage(url) for _ in range(2)]
    study_id = storages[0].create_study("s", [StudyDirection.MINIMIZE])
    storages[0].open_call(study_id, OLD, 10, -1.0)
    barrier, won = threading.Barrier(2), []

    def take(storage, owner):
        barrier.wait()
        won.append(storage.take_over_call(study_id, Fence("call-1", owner), 10, 30.0))

    threads = [threading.Thread(target=take, args=(s, f"taker-{i}")) for i, s in enumerate(storages)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, True]
    for storage in storages:
        storage.close()


def test_a_commit_and_a_take_over_never_both_succeed_for_the_old_owner(url):
    storages = [RDBStorage(url) for _ in range(2)]
    study_id = storages[0].create_study("s", [StudyDirection.MINIMIZE])
    storages[0].open_call(study_id, OLD, 10, -1.0)
    taken, late = threading.Event(), []

    def write():
        while True:
            was_taken = taken.is_set()
            try:
                storages[0].commit(study_id, [CreateTrial(None, TrialState.RUNNING, NOW)], OLD)
            except LeaseLost:
                return
            late.append(was_taken)

    thread = threading.Thread(target=write)
    thread.start()
    while not late:
        time.sleep(0.001)
    assert storages[1].take_over_call(study_id, NEW, 10, 30.0)
    taken.set()
    thread.join(30)
    assert True not in late
    assert len(storages[1].read_trials(study_id)) == len(late)
    for storage in storages:
        storage.close()


def test_of_two_programs_that_finish_one_trial_one_is_refused(url):
    storages = [RDBStorage(url) for _ in range(2)]
    study_id = storages[0].create_study("s", [StudyDirection.MINIMIZE])
    creations = [CreateTrial(None, TrialState.RUNNING, NOW)] * 30
    ids = [identity[0] for identity in storages[0].commit(study_id, creations).created]
    barrier, accepted = threading.Barrier(2), []

    def finish(storage, mark):
        for trial_id in ids:
            barrier.wait()
            write = FinishTrial(trial_id, TrialState.COMPLETE, [mark], NOW)
            if not storage.commit(study_id, [write]).refused:
                accepted.append((trial_id, [mark]))

    threads = [threading.Thread(target=finish, args=(s, float(i))) for i, s in enumerate(storages)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(accepted) == [(trial.trial_id, trial.values) for trial in storages[0].read_trials(study_id)]
    for storage in storages:
        storage.close()


def test_the_in_memory_lease_runs_by_the_given_clock():
    now = [1000.0]
    storage = InMemoryStorage(clock=lambda: now[0])
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    storage.open_call(study_id, OLD, 5, 10.0)
    now[0] = 1009.0
    assert not storage.take_over_call(study_id, NEW, 5, 10.0)
    now[0] = 1010.0
    assert storage.take_over_call(study_id, NEW, 5, 10.0)
    assert storage.read_calls(study_id) == [CallRecord("call-1", "new-driver", 5, False, 10.0)]
