"""What a driver asks about other programs' trials, and what it makes of the answers."""

import datetime as dt

import pytest

from raystudy.distributions import FloatDistribution
from raystudy.exceptions import LeaseLost, StorageUnavailable, StudyDeleted
from raystudy.frozen import StudyDirection, TrialState
from raystudy.orchestrator.lookout import LookAround, Lookout, cause_of, look
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import CreateTrial, FinishTrial, SetParams

NOW = dt.datetime(2026, 1, 1)
X = {"x": (0.5, FloatDistribution(0, 1))}
RUNNING, WAITING, COMPLETE = TrialState.RUNNING, TrialState.WAITING, TrialState.COMPLETE


class World:
    """A study with a lookout over it; trials with the attribute "ours" are ours."""

    def __init__(self):
        self.storage = InMemoryStorage()
        self.study = self.storage.read_study(self.storage.create_study("a", [StudyDirection.MINIMIZE]))
        self.lookout = Lookout([], lambda trial: "ours" in trial.system_attrs)

    def create(self, state=RUNNING, ours=False):
        values = [1.0] if state is COMPLETE else None
        write = CreateTrial(None, state, NOW, system_attrs={"ours": 1} if ours else {}, values=values)
        return self.commit(write).created[0][0]

    def commit(self, *writes):
        return self.storage.commit(self.study.study_id, writes)

    def finish(self, trial_id):
        self.commit(FinishTrial(trial_id, COMPLETE, [1.0], NOW))

    def look(self, own=()):
        order = self.lookout.question(dict.fromkeys(own, RUNNING))
        self.read = len(look(self.storage, self.study, order).trials)
        foreign, ours = self.lookout.learn(look(self.storage, self.study, order))
        return [t.trial_id for t in foreign], [t.trial_id for t in ours]


@pytest.fixture
def world():
    return World()


def test_new_trials_are_found_once_and_changed_ones_again(world):
    first, second = world.create(COMPLETE), world.create(WAITING)
    assert world.look() == ([first, second], [])
    assert world.look() == ([], [])
    world.commit(SetParams(second, X))
    assert world.look() == ([], [])  # nobody runs it
    world.finish(second)
    assert world.look() == ([second], [])
    assert world.look() == ([], [])


def test_running_trial_is_read_until_its_parameters_have_settled(world):
    trial_id = world.create()
    assert [world.look()[0] for _ in range(3)] == [[trial_id]] * 3
    world.commit(SetParams(trial_id, X))
    for _ in range(9):
        world.look()
    assert world.read == 0
    world.finish(trial_id)
    assert world.look() == ([trial_id], [])


def test_trial_of_ours_is_found_when_another_program_has_finished_it(world):
    trial_id = world.create(ours=True)
    world.lookout.stored(0, trial_id)
    assert world.look([trial_id]) == ([], [])
    world.finish(trial_id)
    assert world.look([trial_id]) == ([], [trial_id])


def test_no_trial_below_a_new_one_of_ours_is_missed(world):
    foreign = world.create(COMPLETE)
    ours = world.create(ours=True)
    world.lookout.stored(1, ours)  # before any look has found the other program's
    assert world.look([ours]) == ([foreign], [ours])
    world.lookout.stored(2, world.create(ours=True))
    assert world.look([ours]) == ([], [])


def test_deleted_study_is_noticed_also_when_another_has_its_name(world):
    world.storage.delete_study(world.study.study_id)
    order = world.lookout.question({})
    with pytest.raises(StudyDeleted, match="'a' was deleted"):
        look(world.storage, world.study, order)
    world.storage.create_study("a", [StudyDirection.MINIMIZE])
    with pytest.raises(StudyDeleted, match="'a' was deleted"):
        look(world.storage, world.study, order)


def test_cause_of_a_failed_writer_is_the_deleted_study_only_if_it_is_gone(world):
    lost = LeaseLost("call 1: expected owner 2, found 3")
    assert cause_of(lost, world.storage, world.study) is lost
    world.storage.delete_study(world.study.study_id)
    for error in (lost, KeyError("no such study")):
        assert isinstance(cause_of(error, world.storage, world.study), StudyDeleted)
    full = StorageUnavailable("disk full")
    assert cause_of(full, world.storage, world.study) is full


def test_look_during_an_outage_finds_nothing_and_breaks_nothing(world):
    class Gone(InMemoryStorage):
        def find_study(self, name):
            raise StorageUnavailable("out of reach")

    assert look(Gone(), world.study, LookAround(-1, frozenset(), {})) is None
