"""The plots that Optuna does not have, counted by hand; and what all plots rest on, against brute force."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import raystudy
from raystudy.frozen import TrialState
from raystudy.pruners import HyperbandPruner
from raystudy.samplers import RandomSampler
from raystudy.samplers.pareto import hypervolume
from raystudy.trial import create_trial
from raystudy.visualization import plot_cluster_timeline, plot_epochs_saved
from raystudy.visualization.data.epochs import epochs_saved
from raystudy.visualization.data.fronts import hypervolumes
from raystudy.visualization.data.ranges import log_ticks, readable_range

BEGIN = dt.datetime(2026, 1, 1)


def study_of(times, states=None, reports=None):
    study = raystudy.create_study()
    for at, (start, end) in enumerate(times):
        state = states[at] if states else TrialState.COMPLETE
        value = None if state is TrialState.FAIL else 1.0
        trial = create_trial(state=state, value=value, intermediate_values=reports[at] if reports else {})
        trial.datetime_start, trial.datetime_complete = (
            BEGIN + dt.timedelta(seconds=t) for t in (start, end)
        )
        study.add_trial(trial)
    return study


def bars(figure):
    """Return (slot, start, end) of each bar."""
    found = []
    for trace in figure.data:
        found += zip(trace.y[::3], trace.x[::3], trace.x[1::3], strict=True)
    return sorted(found)


def test_each_trial_has_the_lowest_slot_that_was_free_when_it_began():
    figure = plot_cluster_timeline(study_of([(0, 10), (1, 3), (3, 5), (4, 6), (10, 12)]))
    assert bars(figure) == [(0, 0, 10), (0, 10, 12), (1, 1, 3), (1, 3, 5), (2, 4, 6)]
    assert figure.layout.title.text == "3 slots, 50% busy"
    assert "slots are guessed" in figure.layout.title.subtitle.text


def test_endings_have_their_own_colours():
    states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
    figure = plot_cluster_timeline(study_of([(0, 1), (0, 1), (0, 1)], states))
    assert [trace.name for trace in figure.data] == ["complete (1)", "pruned (1)", "failed (1)"]
    assert len({trace.line.color for trace in figure.data}) == 3


def test_a_simulation_shows_each_attempt_on_its_worker():
    def curve(trial):
        x = trial.suggest_float("x", 0, 1)
        return [x + 1 / (step + 1) for step in range(9)]

    pruner = HyperbandPruner(1, 9, 3)
    plan = raystudy.simulate(curve, 30, n_workers=4, sampler=RandomSampler(0), pruner=pruner, epoch_s=600)
    figure = plot_cluster_timeline(plan)
    hours = [(span.worker, span.start_s / 3600, span.end_s / 3600) for span in plan.timeline]
    np.testing.assert_allclose(bars(figure), sorted(hours), rtol=1e-12)
    assert figure.layout.title.text == f"4 virtual workers, {plan.utilisation:.0%} busy"
    assert figure.layout.xaxis.title.text == "time (hours)"
    assert figure.layout.title.subtitle.text is None


def test_epochs_saved_by_hand():
    reports = [{0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}, {0: 1.0}, {0: 1.0, 1: 1.0}, {}]
    states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED, TrialState.FAIL]
    study = study_of([(0, 1)] * 4, states, reports)
    found = epochs_saved(study)
    assert (found.trained.tolist(), found.full, found.n_trained, found.n_without) == ([4, 1, 2], 4, 7, 12)
    assert found.lengths() == [(1, 0, 1), (2, 0, 1), (4, 1, 0)]
    figure = plot_epochs_saved(study)
    assert figure.layout.title.text == "7 of 12 epochs trained, 42% saved"
    assert [list(trace.y) for trace in figure.data] == [[4, 8, 12], [4, 5, 7], [0, 0, 1], [1, 1, 0]]


def test_epochs_are_counted_as_pruners_count_them():
    study = study_of([(0, 1)] * 2, reports=[{5: 1.0, 10: 1.0}, {5: 1.0}])
    study.pruner = HyperbandPruner(5, 20, 2)
    found = epochs_saved(study)
    assert (found.trained.tolist(), found.full) == ([10, 5], 20)


def test_a_simulated_search_has_trained_what_it_says():
    def curve(trial):
        x = trial.suggest_float("x", 0, 1)
        return [x + 1 / (step + 1) for step in range(9)]

    plan = raystudy.simulate(
        curve, 30, n_workers=4, sampler=RandomSampler(0), pruner=HyperbandPruner(1, 9, 3)
    )
    assert epochs_saved(plan.study).n_trained == plan.epochs


@settings(max_examples=60)
@given(
    st.integers(2, 3).flatmap(
        lambda k: st.lists(st.tuples(*[st.integers(0, 6).map(lambda x: x / 4)] * k), min_size=1, max_size=12)
    )
)
def test_hypervolumes_are_those_of_the_first_points(points):
    losses = np.array(points, dtype=float)
    reference = np.ones(losses.shape[1])
    expected = [hypervolume(losses[: n + 1], reference) for n in range(len(losses))]
    np.testing.assert_allclose(hypervolumes(losses, reference), expected, atol=1e-9)


def test_a_few_awful_values_do_not_set_the_range():
    values = np.append(np.linspace(0, 1, 100), [1e6, np.nan, np.inf])
    low, high = readable_range(values, maximize=False)
    assert -0.1 < low <= 0
    assert 1 <= high < 1.2
    assert readable_range(values, maximize=True) is None
    assert readable_range(np.linspace(0, 4, 100), maximize=False) is None


@pytest.mark.parametrize(
    ("ends", "texts"),
    [
        ((1e-5, 1e-1), ["1e-5", "0.001", "0.1"]),
        ((1e-4, 1e-1), ["1e-4", "0.001", "0.01", "0.1"]),
        ((0.003, 0.07), ["0.005", "0.01", "0.02", "0.05"]),
        ((12, 250), ["20", "50", "100", "200"]),
        ((2.1, 2.4), ["2.2", "2.3"]),
        ((1, 1e9), ["1", "1000", "1e6", "1e9"]),
        ((3, 3), ["3"]),
    ],
)
def test_a_logarithmic_axis_has_two_to_four_ticks(ends, texts):
    ticks = log_ticks(*ends)
    assert [text for _, text in ticks] == texts
    assert [f"{place:g}" for place, _ in ticks] == [f"{float(text):g}" for text in texts]
