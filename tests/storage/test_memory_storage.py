"""What only the in-memory storage does: it adopts trials, and holds what has no JSON form."""

import datetime as dt

from raystudy.frozen import StudyDirection, TrialState
from raystudy.storages import InMemoryStorage
from raystudy.storages.base import CreateTrial, FinishTrial

NOW = dt.datetime(2026, 7, 1)
RUNNING = CreateTrial(None, TrialState.RUNNING, NOW, user_attrs={"a": 1})
WAITING = CreateTrial(None, TrialState.WAITING, None)


def create(storage, study_id, *writes):
    return [identity[0] for identity in storage.commit(study_id, writes).created]


def test_memory_adopts_trials_of_another_storage_and_replaces_them_by_number(storage, study_id):
    ids = create(storage, study_id, RUNNING, WAITING)
    memory = InMemoryStorage()
    taken = memory.create_study("taken", [StudyDirection.MINIMIZE])
    create(memory, taken, RUNNING)  # its id is the id of the first adopted trial
    home = memory.create_study("home", [StudyDirection.MINIMIZE])
    memory.adopt(home, storage.read_trials(study_id))
    storage.commit(study_id, [FinishTrial(ids[0], TrialState.COMPLETE, [1.0], NOW), RUNNING])
    memory.adopt(home, storage.read_trials(study_id))
    trials = memory.read_trials(home)
    assert [(trial.number, trial.values) for trial in trials] == [(0, [1.0]), (1, None), (2, None)]
    assert len({trial.trial_id for trial in trials} | {memory.read_trials(taken)[0].trial_id}) == 4
    assert [memory.read_trial(trial.trial_id).number for trial in trials] == [0, 1, 2]
    assert memory.commit(home, [RUNNING]).created[0][1] == 3


def test_memory_keeps_attributes_as_they_are_given():
    storage, model = InMemoryStorage(), object()
    study_id = storage.create_study("s", [StudyDirection.MINIMIZE])
    write = CreateTrial(None, TrialState.RUNNING, NOW, user_attrs={"model": model, "shape": (1, 2)})
    storage.commit(study_id, [write])
    assert storage.read_trials(study_id)[0].user_attrs == {"model": model, "shape": (1, 2)}


def test_given_trials_are_not_changed_by_adoption_or_later_writes():
    source, home = InMemoryStorage(), InMemoryStorage()
    study_id = source.create_study("s", [StudyDirection.MINIMIZE])
    create(source, study_id, RUNNING)
    (given,) = source.read_trials(study_id)
    home.create_study("other", [StudyDirection.MINIMIZE])
    home_id = home.create_study("s", [StudyDirection.MINIMIZE])
    home.adopt(home_id, [given])
    home.commit(home_id, [FinishTrial(given.trial_id, TrialState.COMPLETE, [1.0], NOW)])
    assert (given.state, given.values) == (TrialState.RUNNING, None)
    assert home.read_trials(home_id)[0].values == [1.0]
