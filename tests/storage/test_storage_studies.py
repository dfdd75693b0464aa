"""Studies and their attributes, in memory and in both databases."""

import math

import pytest

from raystudy.exceptions import DuplicatedStudyError
from raystudy.frozen import StudyDirection


def test_a_study_is_found_by_its_name_and_read_by_its_id(storage):
    study_id = storage.create_study("a", [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE])
    storage.create_study("b", [StudyDirection.MINIMIZE])
    assert storage.find_study("a") == study_id
    assert storage.find_study("c") is None
    assert storage.study_names() == ["a", "b"]
    record = storage.read_study(study_id)
    assert (record.name, record.study_id) == ("a", study_id)
    assert record.directions == (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE)


def test_a_taken_name_is_refused(storage, study_id):
    with pytest.raises(DuplicatedStudyError, match=r"'study'.*load_if_exists"):
        storage.create_study("study", [StudyDirection.MINIMIZE])
    assert storage.study_names() == ["study"]


def test_study_attributes_are_replaced_key_by_key(storage, study_id):
    storage.set_study_attrs(study_id, {"a": 1, "b": [1, None]}, {"s": {"x": math.inf}})
    storage.set_study_attrs(study_id, {"a": "new"}, {})
    record = storage.read_study(study_id)
    assert record.user_attrs == {"a": "new", "b": [1, None]}
    assert record.system_attrs == {"s": {"x": math.inf}}
