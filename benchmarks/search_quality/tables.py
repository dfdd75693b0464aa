"""The tables and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.intervals import Interval
from benchmarks.search_quality.cells import Cell, n_trials
from benchmarks.search_quality.measures import HALFWAY, Results
from benchmarks.search_quality.problems import problem_of

__all__ = ["print_problems", "print_samplers", "verdicts"]

#: A regret ratio whose interval begins above this, or a problem whose p is below that, is a loss.
_MOST, _LEAST_P = 1.0, 0.05
#: What TPE's ratio has to be on conditional problems, and with many workers.
_TPE_GOAL, _MANY_WORKERS = 0.9, 32

#: Both draw uniformly; an interval of 95 % leaves out the 1 now and then.
_CHANCE = "Random"

Cells = Mapping[str, Sequence[Cell]]


def print_samplers(cells: Cells, results: Results) -> None:
    """Print the table by sampler and number of workers."""
    print(
        "| sampler | workers | trials | problems | seeds | regret ratio (95 %) | halfway | significantly worse on "
        "| worst problem | its ratio | p (Holm) |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for sampler, ours in cells.items():
        tests = results.tests(ours)
        for n in _workers(ours):
            mine = [cell for cell in ours if cell.n_workers == n]
            here = [test for test in tests if test.n_workers == n]
            n_worse = sum(test.p < _LEAST_P for test in here)
            print(
                f"| {sampler} | {n} | {n_trials(sampler, n)} | {len(here)} | {len({c.seed for c in mine})} "
                f"| {results.ratio(mine)} | {results.ratio(mine, HALFWAY)} | {n_worse} "
                f"| {here[0].problem} | {here[0].ratio} | {here[0].p:.2f} |"
            )


def print_problems(cells: Cells, results: Results) -> None:
    """Print the regret ratios by problem, sampler and number of workers."""
    columns = [(sampler, n) for sampler, ours in cells.items() for n in _workers(ours)]
    names = list(dict.fromkeys(cell.problem for ours in cells.values() for cell in ours))
    print(f"| problem | {' | '.join(f'{sampler}, {n}' for sampler, n in columns)} |")
    print(f"|---|{'---|' * len(columns)}")
    for name in names:
        found = [[c for c in cells[s] if c.problem == name and c.n_workers == n] for s, n in columns]
        figures = [f"{results.ratio(each).mean:.2f}" if each else "" for each in found]
        print(f"| {name} | {' | '.join(figures)} |")


def verdicts(cells: Cells, results: Results) -> list[tuple[bool, str]]:
    """Return whether each floor holds, with a line that says which and by how much."""
    lines = []
    for sampler, ours in cells.items():
        for n in _workers(ours) if sampler != _CHANCE else ():
            ratio = results.ratio([cell for cell in ours if cell.n_workers == n])
            lines.append((ratio.low <= _MOST, f"{sampler}, {n} workers: {ratio}, lower end at most {_MOST}"))
        worst = results.tests(ours)[0]
        what = f"{worst.problem} with {worst.n_workers} workers: {worst.ratio}, p {worst.p:.3f}"
        lines.append((worst.p >= _LEAST_P, f"{sampler}: significantly worse on no problem; worst {what}"))
    if "TPE" in cells:
        lines += _tpe_verdicts(cells["TPE"], results)
    return lines


def _tpe_verdicts(ours: Sequence[Cell], results: Results) -> list[tuple[bool, str]]:
    parts = {
        "conditional problems": [cell for cell in ours if problem_of(cell.problem).conditional],
        f"{_MANY_WORKERS} workers": [cell for cell in ours if cell.n_workers == _MANY_WORKERS],
    }
    figures: dict[str, Interval] = {name: results.ratio(part) for name, part in parts.items() if part}
    return [
        (ratio.mean <= _TPE_GOAL, f"TPE, {name}: {ratio}, at most {_TPE_GOAL}")
        for name, ratio in figures.items()
    ]


def _workers(ours: Sequence[Cell]) -> list[int]:
    return sorted({cell.n_workers for cell in ours})
