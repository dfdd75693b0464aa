"""The driver's end of the line to the bracket manager.

A call of an actor costs a millisecond of CPU in all, about as much as storing a trial.  So enrolments travel
with the next call (a report enrols its trial, too), and attempts that end during one call share the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ray.actor import ActorProxy

from raystudy.orchestrator.attempt import Outcome
from raystudy.orchestrator.brackets import DeskNews, EndedTrial
from raystudy.orchestrator.driver import Driver
from raystudy.orchestrator.orders import LearnTrials, StopTrial
from raystudy.orchestrator.ray_manager import BracketManager

__all__ = ["DeskLine"]

#: Longest time between two fetches of the reports, in seconds.
_FETCH_EVERY_S = 0.05


class DeskLine:
    """Sends the manager what it has to know and the driver what is new, in order.

    Args:
        manager: The bracket manager, opened.
        driver: The driver.
    """

    def __init__(self, manager: ActorProxy[BracketManager], driver: Driver) -> None:
        self._manager = manager
        self._driver = driver
        self._enrolled: list[tuple[int, int]] = []
        self._outcomes: list[Outcome] = []
        self._turn = asyncio.Lock()
        self._fetched = time.monotonic()

    def enrol(self, number: int, bracket: int) -> None:
        """Make a trial known, with the next call."""
        self._enrolled.append((number, bracket))

    async def hand_in(self, outcome: Outcome) -> None:
        """Give the driver the outcome of an attempt, after the reports that came before it."""
        self._outcomes.append(outcome)
        async with self._turn:
            outcomes, self._outcomes = self._outcomes, []
            if outcomes:
                ended = [end for each in outcomes if (end := self._driver.ends_trial(each)) is not None]
                self._driver.take_news(await self._settle(ended))
            for each in outcomes:
                self._driver.returned(each)

    async def fetch(self) -> None:
        """Give the driver the reports, unless it has just got them."""
        if time.monotonic() - self._fetched >= _FETCH_EVERY_S:
            async with self._turn:
                self._driver.take_news(await self._settle([]))

    async def close_intake(self) -> None:
        """Tell the manager that no further trial comes."""
        async with self._turn:
            enrolled, self._enrolled = self._enrolled, []
            # One call, on its way before the last trial's task has begun.
            self._driver.take_news(await self._manager.close.remote(enrolled))
        self._driver.intake_closed()

    def abandon(self, errand: StopTrial) -> None:
        """Have the manager settle a trial that another program has finished."""
        self._manager.abandon.remote(errand.number, errand.bracket)

    def learn(self, errand: LearnTrials) -> None:
        """Have the manager learn what has become of trials."""
        self._manager.learn.remote(errand.trials)

    def stop_all(self) -> None:
        """Have the manager answer every report from now on with a stop."""
        self._manager.stop_all.remote()

    async def _settle(self, ended: Sequence[EndedTrial]) -> list[DeskNews]:
        enrolled, self._enrolled = self._enrolled, []
        self._fetched = time.monotonic()
        plain = [[end.number, int(end.state), end.value] for end in ended]
        return await self._manager.settle.remote(plain, enrolled)
