"""How a call of ``optimize`` begins: anew, or by taking over what a dead one has left."""

import threading

import pytest

from raystudy.exceptions import LeaseLost
from raystudy.frozen import StudyDirection
from raystudy.orchestrator.calls import begin_call
from raystudy.orchestrator.request import CallRequest
from raystudy.orchestrator.writer import LEASE_S, RENEW_EVERY_S
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import Fence

DEAD = Fence("dead", "its owner")


class World:
    """A storage with a clock that only ``sleep`` moves; whoever renews its lease does so in that time."""

    def __init__(self):
        self.now = 1000.0
        self.storage = InMemoryStorage(clock=lambda: self.now)
        self.study_id = self.storage.create_study("study", [StudyDirection.MINIMIZE])
        self.said = []
        self.while_asleep = lambda: None
        self.once_asleep = []

    def sleep(self, seconds):
        self.now += seconds
        self.while_asleep()
        for act in self.once_asleep:
            act()
        self.once_asleep.clear()

    def begin(self, target):
        return begin_call(self.storage, self.study_id, target, self.said.append, self.sleep)

    def open(self, target, lease_s, fence=DEAD):
        self.storage.open_call(self.study_id, fence, target, lease_s)

    def all_renew(self):
        for call in self.storage.read_calls(self.study_id):
            self.storage.renew_call(self.study_id, Fence(call.call_id, call.owner), LEASE_S)

    def owners(self):
        return {call.call_id: call.owner for call in self.storage.read_calls(self.study_id)}


@pytest.fixture
def world():
    return World()


def test_first_call_is_new_and_recorded_with_its_lease(world):
    call = world.begin(20)
    (record,) = world.storage.read_calls(world.study_id)
    assert not call.taken_over
    assert (record.call_id, record.owner) == (call.fence.call_id, call.fence.owner)
    assert (record.target, record.lease_s) == (20, LEASE_S)
    assert (world.now, world.said) == (1000.0, [])


def test_ended_call_is_left_alone(world):
    first = world.begin(5)
    world.storage.end_call(world.study_id, first.fence)
    second = world.begin(5)
    assert not second.taken_over
    assert second.fence.call_id != first.fence.call_id


def test_call_whose_lease_has_run_out_is_taken_over_at_once(world):
    world.open(10, lease_s=-1.0)
    call = world.begin(10)
    assert call.taken_over
    assert call.fence.call_id == "dead"
    assert world.owners() == {"dead": call.fence.owner}
    assert world.now == 1000.0


@pytest.mark.parametrize(
    ("before", "asked", "kept"), [(100, 10, 100), (10, 100, 100), (None, 10, None), (10, None, None)]
)
def test_larger_target_is_kept(world, before, asked, kept):
    world.open(before, lease_s=-1.0)
    assert world.begin(asked).target == kept
    assert world.storage.read_calls(world.study_id)[0].target == kept


def test_call_that_died_a_moment_ago_is_waited_for(world):
    world.open(10, lease_s=LEASE_S)
    assert world.begin(10).taken_over
    assert LEASE_S <= world.now - 1000.0 <= LEASE_S + 1.0
    (line,) = world.said
    assert "waiting" in line


def test_call_that_renews_its_lease_is_alive_and_left_alone(world):
    world.open(10, lease_s=LEASE_S - RENEW_EVERY_S)
    world.while_asleep = lambda: world.storage.renew_call(world.study_id, DEAD, LEASE_S)
    call = world.begin(3)
    assert not call.taken_over
    assert call.target == 3
    assert world.owners() == {"dead": "its owner", call.fence.call_id: call.fence.owner}


def test_call_that_ends_while_it_is_watched_is_left_alone(world):
    world.open(10, lease_s=LEASE_S)
    world.while_asleep = lambda: world.storage.end_call(world.study_id, DEAD)
    assert not world.begin(3).taken_over


def test_call_that_is_given_up_while_it_is_watched_is_taken_over(world):
    world.open(10, lease_s=LEASE_S)
    world.once_asleep.append(lambda: world.storage.renew_call(world.study_id, DEAD, 0.0))
    assert world.begin(3).taken_over
    assert world.now - 1000.0 <= 2.0


def test_dead_call_behind_a_living_one_is_found(world):
    alive = Fence("alive", "me")
    world.open(10, lease_s=LEASE_S, fence=alive)
    world.open(10, lease_s=-1.0)
    world.while_asleep = lambda: world.storage.renew_call(world.study_id, alive, LEASE_S)
    assert world.begin(3).fence.call_id == "dead"


def test_old_owner_can_store_nothing_after_the_take_over(world):
    world.open(10, lease_s=-1.0)
    world.begin(10)
    with pytest.raises(LeaseLost):
        world.storage.commit(world.study_id, [], DEAD)
    with pytest.raises(LeaseLost):
        world.storage.renew_call(world.study_id, DEAD, LEASE_S)


def test_of_two_takers_one_gets_the_call():
    for _ in range(20):
        world, calls = World(), []
        world.open(10, lease_s=-1.0)
        world.while_asleep = world.all_renew  # the winner is alive
        barrier = threading.Barrier(2)

        def take(world=world, calls=calls, barrier=barrier):
            barrier.wait()
            calls.append(world.begin(10))

        takers = [threading.Thread(target=take) for _ in range(2)]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join()
        assert sorted(call.taken_over for call in calls) == [False, True]


def test_taker_that_finds_the_call_taken_meanwhile_opens_its_own(world):
    world.open(10, lease_s=LEASE_S)
    rival = Fence("dead", "rival")
    world.while_asleep = lambda: world.storage.take_over_call(world.study_id, rival, 10, LEASE_S)
    call = world.begin(10)
    assert not call.taken_over
    assert world.owners()["dead"] == "rival"


def test_time_limit_of_a_call_counts_from_its_begin_however_many_drivers_it_has():
    request = CallRequest(
        *[None] * 7,
        n_trials=1,
        timeout_s=10.0,
        n_jobs=1,
        catch=(),
        callbacks=[],
        resources={},
        study_folder="",
        show_progress=False,
        say=print,
    )
    request.begun -= 7.0
    assert 2.0 < request.time_left() <= 3.0
    request.begun -= 7.0
    assert request.time_left() == 0.0
    request.timeout_s = None
    assert request.time_left() is None
