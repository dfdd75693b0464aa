"""What running trials tell and ask: reports, parameters, attributes; learned by the sampler and stored."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from raystudy.distributions import Distribution, ParamValue
from raystudy.frozen import TrialState
from raystudy.orchestrator.attempt import Failure, Outcome
from raystudy.orchestrator.brackets import PromotedNews, ReportNews
from raystudy.orchestrator.events import Ending
from raystudy.orchestrator.ledger import PROPOSAL, LiveTrial
from raystudy.orchestrator.mirror import Mirror
from raystudy.orchestrator.progress import Progress
from raystudy.orchestrator.proposing import Proposer
from raystudy.pruners.base import Judge
from raystudy.trial import News, Proposal

__all__ = ["Listener"]


class Listener:
    """Takes what the trials of one call tell.

    An attempt whose trial another program has finished goes on until its next report; what it tells meanwhile
    is dropped, since a finished trial never changes.

    Args:
        live: The unfinished trials by number, shared with the driver.
        proposer: The sampler with its history.
        planner: The intake's judge, which hears of every report.
        mirror: Where everything is stored.
        progress: Where epochs are counted.
    """

    def __init__(
        self,
        live: Mapping[int, LiveTrial],
        proposer: Proposer,
        planner: Judge,
        mirror: Mirror,
        progress: Progress,
    ) -> None:
        self._live = live
        self._proposer = proposer
        self._planner = planner
        self._mirror = mirror
        self._progress = progress

    def begin(self, live: LiveTrial) -> Outcome | None:
        """Have a user's sampler draw for a trial before its objective runs for the first time; return its failure."""
        if self._proposer.user is None or PROPOSAL in live.trial.system_attrs:
            return None
        try:
            live.proposal = self._proposer.begin(live.trial)
        except Exception as error:  # noqa: BLE001 - the user's sampler may raise anything
            return _failure(live, error)
        finally:
            self._store_notes()
        self._mirror.proposal(live)
        return None

    def suggest(self, number: int, name: str, distribution: Distribution, params: Proposal) -> ParamValue:
        """Draw a parameter that a trial's proposal does not hold, and store it.

        Args:
            number: Number of the trial.
            name: Name of the parameter.
            distribution: Its distribution.
            params: What was suggested in the trial since its last report.
        """
        live = self._live[number]
        if name in live.trial.params:
            return live.trial.params[name]
        if not live.trial.state.is_finished():
            self._mirror.tell(live, News(dict(params)), {})
        known = {**live.proposal, **live.known_params()}
        try:
            value = self._proposer.suggest(number, name, distribution, known)
        finally:
            self._store_notes()
        if live.trial.state.is_finished():
            self._proposer.observe(live.trial)  # drawing has made it a pending one
            return value
        new = live.learn_params({name: (value, distribution)})
        self._mirror.parameter(live, new)
        return value

    def attributes(self, number: int, user_attrs: Mapping[str, Any]) -> None:
        """Take user attributes of a running trial."""
        live = self._live[number]
        if not live.trial.state.is_finished():
            self._mirror.tell(live, News(user_attrs=dict(user_attrs)), {})

    def report(self, item: ReportNews) -> None:
        """Take a report; one of a trial that is no more, or of an earlier attempt, is dropped."""
        live = self._live.get(item.number)
        if live is None or item.attempt < live.attempt or live.trial.state.is_finished():
            return
        self._tell(live, item.news, {item.step: item.value})
        live.note_ruling(item.why)
        self._mirror.first_step(item.step)
        if self._planner.has_rungs:
            self._planner.report(live.planned_as, item.step, item.value, resumable=True)
        if item.rung is not None:
            live.rung_step = item.step
            self._proposer.observe(live.trial, live.rung_step)
        elif item.news is not None and item.news.params and live.rung_step is None:
            self._proposer.took(item.number, live.proposal, live.known_params())

    def ruled(self, item: PromotedNews) -> None:
        """Take the judge's word on trials that wait."""
        for number, rung in item.promoted:
            if number in self._live:
                self._live[number].promoted_rung = rung
        for number, why in item.why.items():
            if number in self._live:
                self._live[number].note_ruling(why)

    def outcome(self, outcome: Outcome) -> None:
        """Take what an attempt had to tell at its end."""
        news = News(outcome.params, outcome.user_attrs, outcome.constraints)
        self._tell(self._live[outcome.number], news, outcome.reports)

    def ending(self, live: LiveTrial, state: TrialState, values: Sequence[float] | None) -> Outcome | None:
        """Tell a user's sampler how a trial ends; return its failure."""
        try:
            self._proposer.end(live.trial, state, values)
        except Exception as error:  # noqa: BLE001 - the user's sampler may raise anything
            return _failure(live, error)
        finally:
            self._store_notes()
        return None

    def constrain(self, live: LiveTrial) -> Outcome | None:
        """Store what the user's function says of the constraints of a trial that has ended; return its failure."""
        try:
            constraints = self._proposer.constraints_of(live.trial)
        except Exception as error:  # noqa: BLE001 - the user's function may raise anything
            return _failure(live, error)
        self._mirror.tell(live, News(constraints=constraints), {})
        return None

    def _store_notes(self) -> None:
        for note in self._proposer.take_notes():
            self._mirror.note(note)

    def _tell(self, live: LiveTrial, news: News | None, reports: dict[int, float]) -> None:
        new_params, new_reports = self._mirror.tell(live, news, reports)
        self._progress.epochs += new_reports
        if new_params:
            self._proposer.observe(live.trial, live.rung_step)


def _failure(live: LiveTrial, error: Exception) -> Outcome:
    """Return what a function or a sampler of the user has raised, as an outcome of the trial it was asked for."""
    failure = Failure(error, "".join(traceback.format_exception(error)))
    reason = f"{type(error).__name__}: {error}"
    return Outcome(live.trial.number, live.attempt, Ending.FAILED, failure=failure, reason=reason)
