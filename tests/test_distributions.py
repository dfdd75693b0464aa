"""Distributions: validation, and agreement with Optuna on JSON, internal values and membership."""

import json
import math
import warnings

import optuna.distributions as theirs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from raystudy.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    check_distribution_compatibility,
    distribution_to_json,
    json_to_distribution,
)

EXAMPLES = [
    FloatDistribution(-1, 2.5),
    FloatDistribution(1e-8, 1, log=True),
    FloatDistribution(0, 0.9, step=0.3),
    FloatDistribution(2, 2),
    FloatDistribution(1e-300, 1e300),
    IntDistribution(-5, 9),
    IntDistribution(1, 1024, log=True),
    IntDistribution(3, 15, step=4),
    IntDistribution(7, 7),
    CategoricalDistribution(("a", "b")),
    CategoricalDistribution((None, True, 1.5, "ü", -3)),
    CategoricalDistribution(("only",)),
]


def optunas(distribution):
    """Return Optuna's distribution of the same name and arguments."""
    attributes = json.loads(distribution_to_json(distribution))["attributes"]
    return getattr(theirs, type(distribution).__name__)(**attributes)


@st.composite
def float_distributions(draw):
    low = draw(st.floats(-1e6, 1e6))
    high = low + draw(st.floats(0, 1e6))
    kind = draw(st.sampled_from(["plain", "log", "step"]))
    if kind == "log":
        low = abs(low) + 1e-9
        return FloatDistribution(low, low + draw(st.floats(0, 1e6)), log=True)
    if kind == "plain":
        return FloatDistribution(low, high)
    low, step = round(low, 2), round(draw(st.floats(0.01, 10)), 2)
    return FloatDistribution(low, round(low + step * draw(st.integers(0, 50)), 2), step=step)


@st.composite
def int_distributions(draw):
    if draw(st.booleans()):
        low = draw(st.integers(1, 1000))
        return IntDistribution(low, low + draw(st.integers(0, 1000)), log=True)
    low, step = draw(st.integers(-1000, 1000)), draw(st.integers(1, 20))
    return IntDistribution(low, low + step * draw(st.integers(0, 50)), step=step)


choices = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, width=16)
    | st.text(max_size=3)
)
categorical_distributions = st.lists(choices, min_size=1, max_size=5).map(
    lambda found: CategoricalDistribution(tuple(found))
)
numeric_distributions = float_distributions() | int_distributions()
distributions = numeric_distributions | categorical_distributions


# ---- validation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FloatDistribution, IntDistribution])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"low": 2, "high": 1}, "low <= high"),
        ({"low": 0, "high": 1, "log": True}, "low > 0"),
        ({"low": -1, "high": 1, "log": True}, "low > 0"),
        ({"low": 1, "high": 9, "log": True, "step": 2}, "exclude each other"),
        ({"low": 1, "high": 9, "step": 0}, "step"),
        ({"low": 1, "high": 9, "step": -1}, "step"),
    ],
)
def test_contradicting_arguments_are_refused(kind, arguments, expected):
    with pytest.raises(ValueError, match=f"{kind.__name__}.*{expected}"):
        kind(**arguments)


@pytest.mark.parametrize("bounds", [(0, math.inf), (-math.inf, 0), (math.nan, 1), (0, math.nan)])
def test_bounds_must_be_finite(bounds):
    with pytest.raises(ValueError, match="finite"):
        FloatDistribution(*bounds)


def test_at_least_one_choice_is_needed():
    with pytest.raises(ValueError, match="at least one choice"):
        CategoricalDistribution(())


def test_choice_that_a_database_cannot_keep_warns():
    with pytest.warns(UserWarning, match="of type tuple"):
        CategoricalDistribution(((1, 2), (3, 4)))


@pytest.mark.parametrize(
    ("make", "high"),
    [(lambda: FloatDistribution(0, 1, step=0.3), 0.9), (lambda: IntDistribution(0, 10, step=4), 8)],
)
def test_range_that_is_no_multiple_of_the_step_is_cut_with_a_warning(make, high):
    with pytest.warns(UserWarning, match=f"high is lowered to {high}"):
        assert make().high == high


@pytest.mark.parametrize(("low", "high", "step"), [(0, 0.9, 0.3), (0.1, 0.7, 0.1), (1e-3, 1.0, 1e-3)])
def test_multiples_are_told_in_decimals(low, high, step):
    assert FloatDistribution(low, high, step=step).high == high  # a warning would be an error here


def test_distribution_cannot_be_changed():
    with pytest.raises(AttributeError):
        FloatDistribution(0, 1).low = 2


# ---- agreement with Optuna ---------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", EXAMPLES, ids=str)
def test_json_says_what_optunas_says(distribution):
    ours, optuna_json = distribution_to_json(distribution), theirs.distribution_to_json(optunas(distribution))
    assert json.loads(ours) == json.loads(optuna_json)
    assert theirs.json_to_distribution(ours) == optunas(distribution)
    assert json_to_distribution(optuna_json) == distribution


@given(distributions)
def test_json_round_trip_through_optuna_changes_nothing(distribution):
    there = theirs.json_to_distribution(distribution_to_json(distribution))
    assert json_to_distribution(theirs.distribution_to_json(there)) == distribution


@pytest.mark.parametrize("text", ['{"name": "Beta", "attributes": {}}', "{}"])
def test_json_of_an_unknown_distribution_is_refused(text):
    with pytest.raises(ValueError, match="FloatDistribution"):
        json_to_distribution(text)


def test_json_with_other_choices_than_a_database_keeps_is_not_read_as_numbers():
    read = json_to_distribution(
        '{"name": "CategoricalDistribution", "attributes": {"choices": [1, 1.0, "1"]}}'
    )
    assert [type(choice) for choice in read.choices] == [int, float, str]


@given(numeric_distributions, st.data())
def test_internal_numbers_are_optunas(distribution, data):
    low, high = distribution.low, distribution.high
    numbers = st.integers(low, high) if isinstance(distribution, IntDistribution) else st.floats(low, high)
    value = data.draw(numbers)
    internal = distribution.to_internal_repr(value)
    assert internal == optunas(distribution).to_internal_repr(value)
    assert type(internal) is float
    external = distribution.to_external_repr(internal)
    assert (external, type(external)) == (value, type(value))


@given(st.lists(st.text(max_size=4) | st.integers(2, 99), min_size=1, max_size=6, unique=True), st.data())
def test_internal_choices_are_optunas(found, data):
    distribution, choice = CategoricalDistribution(tuple(found)), data.draw(st.sampled_from(found))
    internal = distribution.to_internal_repr(choice)
    assert internal == optunas(distribution).to_internal_repr(choice)
    assert distribution.to_external_repr(internal) == choice


def test_choices_that_are_equal_but_of_other_type_are_told_apart():
    distribution = CategoricalDistribution((1, True, 0, False, 1.0))
    for index, choice in enumerate(distribution.choices):
        assert distribution.to_internal_repr(choice) == index


def test_nan_is_a_choice():
    distribution = CategoricalDistribution((0.0, math.nan))
    assert distribution.to_internal_repr(math.nan) == 1
    assert distribution == CategoricalDistribution((0.0, float("nan")))
    assert json_to_distribution(distribution_to_json(distribution)) == distribution


@pytest.mark.parametrize("distribution", [FloatDistribution(0, 1), IntDistribution(0, 1)])
@pytest.mark.parametrize("value", [None, "one", [1], math.nan])
def test_value_that_is_no_number_is_refused(distribution, value):
    with pytest.raises(ValueError, match="expected a"):
        distribution.to_internal_repr(value)


def test_value_that_is_no_choice_is_refused():
    with pytest.raises(ValueError, match=r"expected one of \('a', 'b'\), got 'c'"):
        CategoricalDistribution(("a", "b")).to_internal_repr("c")


@given(numeric_distributions, st.floats(-2e6, 2e6) | st.integers(-2100, 2100).map(float))
def test_membership_is_optunas(distribution, internal):
    # Far from zero, where rounding alone is as large as its tolerance, Optuna refuses values of the grid.
    assume(isinstance(distribution, IntDistribution) or not distribution.step or abs(internal) < 1e5)
    assert distribution.contains(internal) == optunas(distribution)._contains(internal)


@pytest.mark.parametrize("distribution", EXAMPLES, ids=str)
def test_domain_of_one_value_is_optunas(distribution):
    assert distribution.single() == optunas(distribution).single()


@given(numeric_distributions)
@example(FloatDistribution(524288.57, 524288.81, step=0.01))
def test_bounds_belong_to_the_domain_and_what_lies_beyond_does_not(distribution):
    assert distribution.contains(distribution.low)
    assert distribution.contains(distribution.high)
    assert not distribution.contains(distribution.low - 1)
    assert not distribution.contains(distribution.high + 1)


@given(categorical_distributions)
def test_indices_of_the_choices_are_the_domain(distribution):
    n = len(distribution.choices)
    assert [distribution.contains(float(i)) for i in range(-1, n + 1)] == [False] + [True] * n + [False]


# ---- distributions of one parameter in several trials ------------------------------------------------


def agrees(check, old, new):
    try:
        check(old, new)
    except ValueError:
        return False
    return True


@given(distributions, distributions)
def test_compatibility_is_optunas(old, new):
    ours = agrees(check_distribution_compatibility, old, new)
    # Optuna takes True for 1 among choices; for us as well, since equal choices are the same.
    assert ours == agrees(theirs.check_distribution_compatibility, optunas(old), optunas(new))


def test_incompatibility_names_the_parameter_and_both_distributions():
    old, new = FloatDistribution(0.1, 1), FloatDistribution(0.1, 1, log=True)
    with pytest.raises(ValueError, match="'lr'") as caught:
        check_distribution_compatibility(old, new, "lr")
    assert str(old) in str(caught.value)
    assert str(new) in str(caught.value)


@given(distributions, distributions)
def test_equal_distributions_have_one_hash(one, other):
    assert one != other or hash(one) == hash(other)
    assert hash(one) == hash(json_to_distribution(distribution_to_json(one)))


def test_warnings_point_at_the_line_that_makes_the_distribution():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        IntDistribution(0, 10, step=4)
    assert caught[0].filename == __file__
