"""Kills of the bracket manager and the driver of a Hyperband study on Ray, at random moments, with real processes.

    python tests/kill_matrix.py --what brackets --rounds 20

In the mode "sync" what survives is compared with a study that nobody has killed; in "promote" the judge is fed again
with what the database holds, and must decide as it did.  The seed is printed.
"""

from __future__ import annotations

import glob
import json
import os
import random
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kill_matrix import Search, require, search_in  # type: ignore[import-not-found] # beside this file

import raystudy
from raystudy.frozen import FrozenTrial, TrialState, Verdict
from raystudy.pruners.base import Judge, PastTrial, Ruling

MANAGER, DRIVER = b"ray::BracketManager", b"ray::StudyDriver"
VICTIMS = {"manager": [MANAGER], "driver": [DRIVER], "both": [MANAGER, DRIVER]}
EPOCHS = 9


def hyperband(mode: str) -> raystudy.pruners.HyperbandPruner:
    """The pruner of ``killable_search.py``."""
    return raystudy.pruners.HyperbandPruner(1, EPOCHS, 3, mode=mode)  # type: ignore[arg-type]


def actors(search: Search, titles: Sequence[bytes]) -> list[int]:
    """Ids of the processes below a search whose titles begin so."""
    parents, found = dict[int, int](), list[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if (folder / "cmdline").read_bytes().startswith(tuple(titles)):
                found.append(int(folder.name))

    def is_below(pid: int) -> bool:
        root = search.process.pid if search.process is not None else -1
        return pid == root or (pid in parents and is_below(parents[pid]))

    return [pid for pid in found if is_below(pid)]


def kill_actors(search: Search, titles: Sequence[bytes]) -> bool:
    """Kill one actor of each title, all at once; return whether all were there."""
    victims = actors(search, titles)
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(victims) == len(titles)


def actor_round(rng: random.Random, folder: Path, mode: str, titles: Sequence[bytes], n_kills: int) -> None:
    """Kill actors at random moments of a search; it must end as if nothing had happened."""
    with search_in(folder, f"sqlite:///{folder}/study.db", "ray", mode) as search:
        search.start()
        for _ in range(n_kills):
            search.wait_for_epochs(rng.randint(1, 25))
            time.sleep(rng.uniform(0, 0.1))
            if search.is_running():
                kill_actors(search, titles)
        require(search.wait() == 0, search.output)
        search.check()
        lives = search.output.count("another driver takes this call over")
        require(lives >= 1, f"no kill took effect\n{search.output}")
        if mode == "sync":
            compare_with_unkilled(search)
        else:
            Replay(search).check()


def writing_round(rng: random.Random, folder: Path, n_kills: int) -> None:
    """Kill a search in process while it writes a checkpoint; the earlier one is used, and nothing is damaged."""
    with search_in(folder, f"sqlite:///{folder}/study.db", "inline", "sync", WEIGHTS="30000000") as search:
        n_halves = 0
        for _ in range(n_kills):
            search.start()
            search.wait_for_epochs(rng.randint(1, 12))
            wait_for_half_a_checkpoint(search)
            search.send(signal.SIGKILL)
            search.wait()
            n_halves += half_checkpoints(search) > 0
        require(n_halves > 0, "no kill came while a checkpoint was written")
        search.start()
        require(search.wait() == 0, search.output)
        search.check()
        require("damaged" not in search.output, search.output)
        compare_with_unkilled(search)


def wait_for_half_a_checkpoint(search: Search) -> None:
    """Wait until a checkpoint is there without the file that completes it."""
    deadline = time.monotonic() + 60
    while not half_checkpoints(search):
        require(search.is_running() and time.monotonic() < deadline, search.output)


def half_checkpoints(search: Search) -> int:
    """Count the checkpoints without the file that completes them."""
    checkpoints = glob.glob(f"{search.folder}/home/*/trials/*/checkpoint-*")
    return sum(not Path(checkpoint, "meta.json").exists() for checkpoint in checkpoints)


# ---- sync: the survivors are those of a study that nobody has killed -------------------------------


def compare_with_unkilled(search: Search) -> None:
    """Run the same search in process, and compare."""
    calm = Search(search.folder / "calm", f"sqlite:///{search.folder}/calm.db", "inline", {}, search.mode)
    calm.folder.mkdir()
    try:
        calm.start()
        require(calm.wait() == 0, calm.output)
    finally:
        calm.end()
    expected, found = fates(calm.trials()), fates(search.trials())
    differing = {n: (fate, found[n]) for n, fate in expected.items() if found[n] != fate}
    require(not differing, f"expected, found: {differing}\n{search.output}")


def fates(trials: Sequence[FrozenTrial]) -> dict[int, tuple[Any, ...]]:
    """What became of each trial."""
    return {
        t.number: (t.state.name, t.system_attrs["raystudy:bracket"], t.params, t.intermediate_values)
        for t in trials
    }


# ---- promote: the judge decides again as it did ----------------------------------------------------


@dataclass(frozen=True)
class Report:
    """A stored report."""

    number: int
    step: int
    value: float


def stored_reports(url: str) -> list[Report]:
    """Return the reports in the order in which they were stored."""
    query = (
        "SELECT number, step, intermediate_value FROM trial_intermediate_values JOIN trials USING (trial_id) "
        "ORDER BY trial_intermediate_value_id"
    )
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return [Report(*row) for row in connection.execute(query)]


class Replay:
    """What a database holds, fed to the real judge once more, with one judge for each that there was.

    Two things no database holds: with how many of the reports each judge began, and after how many it was told
    that no further trial comes.  The search has noted those.
    """

    def __init__(self, search: Search) -> None:
        self.reports = stored_reports(search.url)
        self.trials = {trial.number: trial for trial in search.trials()}
        notes = (search.folder / "trace.judge").read_text().splitlines()
        self.notes: list[dict[str, Any]] = [json.loads(line) for line in notes]
        self.decided: set[tuple[int, int]] = set()
        self.judge: Judge = hyperband("promote").start(raystudy.trial.StudyDirection.MINIMIZE, None)
        #: Trials that the present judge knows, and those of them that had not ended when it began.
        self.known: set[int] = set()
        self.live: set[int] = set()
        #: Trials that were running when the present judge began, and have not been judged since.
        self.in_flight: set[int] = set()

    def check(self) -> None:
        """Raise Broken unless every stored decision is what the judge decides."""
        begins = [note["past"] for note in self.notes if "past" in note]
        ends = [sum(row[4] for row in past) for past in begins[1:]] + [len(self.reports)]
        closes = self._closes()
        for past, closed_after, end in zip(begins, closes, ends, strict=True):
            begin = sum(row[4] for row in past)
            self._begin(past, begin)
            for index in range(begin, end + 1):
                if index == closed_after:
                    self._close()
                if index < end:
                    self._feed(self.reports[index])
        self._check_end()

    def _closes(self) -> list[int | None]:
        """After how many reports each judge's intake closed."""
        closes: list[int | None] = []
        for note in self.notes:
            if "past" in note:
                closes.append(None)
            else:
                closes[-1] = note["closed_after"]
        return closes

    def _begin(self, past: list[tuple[int, int, int | None, str, int]], n_reports: int) -> None:
        reports = defaultdict[int, dict[int, float]](dict)
        for report in self.reports[:n_reports]:
            reports[report.number][report.step] = report.value
        for number, _, promoted_rung, state, n_own in past:
            require(len(reports[number]) == n_own, f"trial {number}: the judge began with other reports")
            self._check_fate(number, TrialState[state], reports[number])
            is_kept = state == "RUNNING" or state == self.trials[number].state.name
            require(is_kept, f"trial {number}: it was {state} before")
            if promoted_rung is not None:
                require((number, promoted_rung) in self.decided, f"trial {number}: promoted, but by nobody")
        self.judge = hyperband("promote").start(raystudy.trial.StudyDirection.MINIMIZE, None)
        trials = [
            PastTrial(number, bracket, reports[number], promoted, TrialState[state])
            for number, bracket, promoted, state, _ in past
        ]
        self._note(self.judge.restore(trials))
        self.known = {trial.number for trial in trials}
        self.live = {trial.number for trial in trials if trial.alive}
        self.in_flight = {
            number for number in self.live if self._standing(number, reports[number]) is Verdict.CONTINUE
        }

    def _feed(self, report: Report) -> None:
        number = report.number
        self._enrol(number)
        ruling = self.judge.report(number, report.step, report.value, True)
        self._note(ruling)
        if ruling.verdict is not Verdict.CONTINUE and ruling.rung is None:
            # It was let on by a judge that was killed before that could be stored; what it trained is kept.
            require(number in self.in_flight, f"trial {number} was trained at step {report.step} unpromoted")
        if ruling.verdict is Verdict.CONTINUE:
            self.in_flight.discard(number)

    def _close(self) -> None:
        for number in self.trials:
            self._enrol(number)
        self._note(self.judge.close())

    def _enrol(self, number: int) -> None:
        if number not in self.known:
            self.known.add(number)
            self.live.add(number)
            self.judge.enrol(number, self.trials[number].system_attrs["raystudy:bracket"])

    def _note(self, ruling: Ruling) -> None:
        self.decided.update(ruling.promoted)
        self.in_flight -= {number for number, _ in ruling.promoted}

    def _check_end(self) -> None:
        for number, trial in self.trials.items():
            self._check_fate(number, trial.state, trial.intermediate_values)
            promoted = trial.system_attrs.get("raystudy:promoted")
            if promoted is not None:
                require((number, promoted) in self.decided, f"trial {number}: promoted, but by nobody")

    def _check_fate(self, number: int, state: TrialState, reports: Mapping[int, float]) -> None:
        """A trial is complete if the judge has let it on from every rung, and pruned only if it has not."""
        if number not in self.live or not state.is_finished():
            return
        verdict = self._standing(number, reports)
        lets_on, is_complete = verdict is Verdict.CONTINUE, state is TrialState.COMPLETE
        require(lets_on == is_complete, f"trial {number}: the judge says {verdict.name}, it is {state.name}")

    def _standing(self, number: int, reports: Mapping[int, float]) -> Verdict:
        """The standing verdict: a report at a step that is known changes nothing and gets it."""
        if not reports:
            return Verdict.CONTINUE
        step = max(reports)
        return self.judge.report(number, step, reports[step], True).verdict
