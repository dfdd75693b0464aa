"""ARCHITECTURE.md lists what the code has: every event, action, attribute and transition."""

import re
from pathlib import Path
from typing import get_args

from raystudy.orchestrator import events, ledger
from raystudy.orchestrator.scheduling import TRANSITIONS

TEXT = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text()


def test_every_event_and_action_is_listed() -> None:
    per_trial = events.TrialEvent.__subclasses__()
    classes = [*get_args(events.Event), *per_trial, *get_args(events.Action)]
    names = {cls.__name__ for cls in classes} - {"TrialEvent"}
    assert [name for name in sorted(names) if not re.search(rf"`{name}\b", TEXT)] == []


def test_every_attribute_is_listed() -> None:
    stored = {
        value for value in vars(ledger).values() if isinstance(value, str) and value.startswith("raystudy:")
    }
    assert stored
    assert [name for name in sorted(stored) if f"`{name}`" not in TEXT] == []


def test_the_transition_table_has_the_rows_of_the_code() -> None:
    section = TEXT.split("### Transitions")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:3]]
        for line in section.splitlines()
        if line.startswith("| ")
    ]
    events_of = {event.__name__ for _, event in TRANSITIONS}
    listed = {
        (phase, event)
        for phases, told in rows
        for phase in re.findall(r"[A-Z]{6,}", phases)
        for event in re.findall(r"[A-Z]\w+", told)
        if event in events_of
    }
    assert listed == {(phase.name, event.__name__) for phase, event in TRANSITIONS}
