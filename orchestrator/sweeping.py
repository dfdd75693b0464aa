"""Removing checkpoints that nobody needs any more, beside the driver, on a thread of its own.

A trial's checkpoints go after its result is durable, so that a kill in between leaves too much, never too little.
What is left so is removed by the driver that takes the call over.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from raystudy.exceptions import StudyError
from raystudy.frozen import FrozenTrial
from raystudy.orchestrator.assembly import Assembly
from raystudy.orchestrator.checkpoints import trial_folder
from raystudy.orchestrator.files import below, open_folder, shown
from raystudy.orchestrator.keeping import Keep, KeepRule

__all__ = ["Sweeper", "remove_trial"]

#: Shortest time between two looks at the study's folder, in seconds.
_SWEEP_EVERY_S = 1.0
#: How long the end of a call waits for the last sweep, in seconds.
_LAST_SWEEP_S = 30.0


class Sweeper:
    """Removes the checkpoints of one call's finished trials; its methods return at once but for ``close``.

    Args:
        study_folder: Path or URL of the study's folder.
        keep: What is kept.
        assembly: The study as the driver has found it: of a call that is taken over, some trials have finished.
        say: Called with a line for the user.
    """

    def __init__(self, study_folder: str, keep: Keep, assembly: Assembly, say: Callable[[str], None]) -> None:
        ours = {trial.number for trial in assembly.of_call}
        others = [trial for trial in assembly.trials if trial.number not in ours]
        self._trials = below(study_folder, "trials")
        self._rule = KeepRule(keep, assembly.study.directions, others)
        self._say = say
        self._lock = threading.Lock()
        self._free: set[int] = set()
        self._news, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        finished = (trial for trial in assembly.of_call if trial.state.is_finished())
        for trial in sorted(finished, key=lambda t: str(t.datetime_complete)):
            self.finished(trial)

    def finished(self, trial: FrozenTrial) -> None:
        """Take a trial whose result is durable."""
        with self._lock:
            free = self._rule.finished(trial)
            self._free.update(free)
        if free and self._thread is None:
            # A daemon: the end of this process does not wait for an object store that does not answer.
            self._thread = threading.Thread(target=self._run, name="raystudy-sweeper", daemon=True)
            self._thread.start()
        if free:
            self._news.set()

    def close(self) -> None:
        """Remove what is left, unless the disk or object store takes too long."""
        self._closing.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(_LAST_SWEEP_S)

    def _run(self) -> None:
        complained = is_last = False
        while not is_last:
            self._news.wait()
            self._news.clear()
            self._closing.wait(_SWEEP_EVERY_S)
            is_last = self._closing.is_set()
            try:
                self._sweep()
            except Exception as error:  # noqa: BLE001 - the shell's last line: a store's driver may raise anything
                if not complained:
                    self._say(
                        f"checkpoints of finished trials cannot be removed from {shown(self._trials)}: {error}"
                    )
                complained = True

    def _sweep(self) -> None:
        with self._lock:
            free = set(self._free)
        folder = open_folder(self._trials)
        there = {int(name): name for name in folder.names() if name.isdecimal()}
        for number in sorted(there.keys() & free):
            folder.remove(there[number])


def remove_trial(study_folder: str, number: int) -> None:
    """Remove all checkpoints of a trial that has finished; what cannot be removed goes with the study."""
    with contextlib.suppress(OSError, StudyError):
        open_folder(trial_folder(study_folder, number)).remove()
