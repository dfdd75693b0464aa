"""Constraints survive their encoding, which holds a list that any reader of JSON can take."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystudy.constraints import constraints_from_attrs, constraints_to_attrs, is_feasible

names = st.sampled_from(["0", "1", "2", "weight", "cost:a", ""])
constraints = st.dictionaries(names, st.floats(allow_nan=False), max_size=4)


@given(constraints)
def test_what_is_written_is_read(given_constraints):
    attrs = constraints_to_attrs(given_constraints)
    assert constraints_from_attrs(json.loads(json.dumps(attrs)) | {"fixed_params": {}}) == given_constraints


@given(constraints)
def test_the_list_is_finite_and_tells_the_same_feasibility(given_constraints):
    listed = constraints_to_attrs(given_constraints).get("constraints", [])
    assert json.loads(json.dumps(listed, allow_nan=False)) == listed
    assert all(value <= 0 for value in listed) == is_feasible(given_constraints)


def test_positions_for_names_need_no_second_copy():
    assert constraints_to_attrs({"1": 2.0, "0": -1.0}) == {"constraints": [-1.0, 2.0]}


def test_both_of_optunas_encodings_count_where_they_differ():
    attrs = {"constraints": [0.5, -1.0], "constraints:a": 3.0}
    assert constraints_from_attrs(attrs) == {"0": 0.5, "1": -1.0, "a": 3.0}
    assert constraints_from_attrs({"constraints": None}) == {}


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match=r"'a': expected a number, got nan"):
        constraints_to_attrs({"a": math.nan})
    with pytest.raises(TypeError, match=r"'a': expected a number, got 'big'"):
        constraints_to_attrs({"a": "big"})
