"""The mirror core: which writes tell the database of each step in a trial's life, and in what order.

Reports, parameters and attributes are submitted without a ticket: they may wait for company.  Creation,
claim, pause, attempt and finish carry one: nobody is told before they are durable, and the writer keeps the
order, so whatever a trial had to say is stored before its change of state.
"""

from __future__ import annotations

from raystudy.orchestrator.acknowledging import Writer
from raystudy.orchestrator.ledger import (
    ATTEMPT,
    FIRST_STEP,
    PAUSED,
    PROMOTED,
    PROPOSAL,
    LiveTrial,
    Proposal,
    attr_write,
)
from raystudy.samplers.sampler_study import AttrNote
from raystudy.storages.base import (
    ClaimTrial,
    CreateTrial,
    FinishTrial,
    Report,
    SetAttrs,
    SetParams,
    StudyRecord,
    Write,
)
from raystudy.trial import News

__all__ = ["Mirror"]


class Mirror:
    """Turns what the driver knows of its trials into writes.

    Args:
        writer: Where they are submitted.
        study: The study as it was read.
    """

    def __init__(self, writer: Writer, study: StudyRecord) -> None:
        self._writer = writer
        self._knows_first_step = FIRST_STEP in study.system_attrs

    def create(self, live: LiveTrial, ticket: object) -> None:
        """Store a new trial together with its proposal."""
        trial = live.trial
        write = CreateTrial(
            trial.number, trial.state, trial.datetime_start, system_attrs=dict(trial.system_attrs)
        )
        self._writer.submit([write], ticket)

    def claim(self, live: LiveTrial, ticket: object) -> None:
        """Take a waiting trial."""
        trial = live.trial
        if trial.datetime_start is None:
            raise ValueError(f"trial {trial.number} is claimed without a start time")
        # Only what is new: another program may have changed the rest since the trial was read.
        attrs = {key: value for key, value in trial.system_attrs.items() if key.startswith("raystudy:")}
        self._writer.submit([ClaimTrial(trial.trial_id, trial.datetime_start, attrs)], ticket)

    def proposal(self, live: LiveTrial) -> None:
        """Store what a user's sampler has drawn for a trial that is stored already."""
        drawn = {name: value for name, (value, _) in live.proposal.items()}
        live.trial.system_attrs[PROPOSAL] = drawn
        self._writer.submit([SetAttrs(live.trial.trial_id, system_attrs={PROPOSAL: drawn})])

    def note(self, note: AttrNote) -> None:
        """Store an attribute that a user's sampler has set."""
        if note.trial_id is None:
            self._writer.set_study_attrs({note.key: note.value})
        else:
            self._writer.submit([attr_write(note.trial_id, note)])

    def parameter(self, live: LiveTrial, params: Proposal) -> None:
        """Store parameters that were just drawn."""
        self._writer.submit([SetParams(live.trial.trial_id, params)])

    def tell(self, live: LiveTrial, news: News | None, reports: dict[int, float]) -> tuple[bool, int]:
        """Store what a trial has told; return whether parameters and how many reports were new."""
        trial_id, writes = live.trial.trial_id, list[Write]()
        params = live.learn_params(news.params) if news else {}
        attrs = live.learn_user_attrs(news.user_attrs) if news else {}
        if params:
            writes.append(SetParams(trial_id, params))
        constraints = live.learn_constraints(news.constraints) if news else {}
        if attrs or constraints:
            writes.append(SetAttrs(trial_id, user_attrs=attrs, system_attrs=constraints))
        new = {s: v for s, v in reports.items() if s not in live.trial.intermediate_values}
        live.trial.intermediate_values.update(new)
        writes += [Report(trial_id, step, value) for step, value in new.items()]
        if writes:
            self._writer.submit(writes)
        return bool(params), len(new)

    def first_step(self, step: int) -> None:
        """Store the step of the first report that was ever made in the study."""
        if not self._knows_first_step:
            self._knows_first_step = True
            self._writer.set_study_attrs({FIRST_STEP: step})

    def pause(self, live: LiveTrial) -> None:
        """Store that a trial waits at a rung."""
        self._attributes(live, {PAUSED: live.trial.last_step})

    def attempt(self, live: LiveTrial) -> None:
        """Store that another attempt begins."""
        self._attributes(live, {ATTEMPT: live.attempt, PAUSED: None, PROMOTED: live.promoted_rung})

    def finish(self, live: LiveTrial) -> None:
        """Store a trial's values and its final state."""
        trial = live.trial
        if trial.datetime_complete is None:
            raise ValueError(f"trial {trial.number} is finished without an end time")
        rulings = live.new_rulings()
        trial.system_attrs.update(rulings)
        writes: list[Write] = [SetAttrs(trial.trial_id, system_attrs=rulings)] if rulings else []
        writes.append(FinishTrial(trial.trial_id, trial.state, trial.values, trial.datetime_complete))
        self._writer.submit(writes, trial.number)

    def _attributes(self, live: LiveTrial, attrs: dict[str, object]) -> None:
        attrs |= live.new_rulings()
        live.trial.system_attrs.update(attrs)
        self._writer.submit([SetAttrs(live.trial.trial_id, system_attrs=attrs)], live.trial.number)
