"""What a study remembers of how it is searched: sampler, pruner, seed, and the name of its folder.

They are study attributes, so that whoever opens the study by its name goes on as it was begun: a draw depends
on the seed, the trial's number and the parameter's name alone, which makes the trial's number the position in
the random stream.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from raystudy.orchestrator.ledger import PRUNER, SAMPLER, SEED, TOKEN
from raystudy.pruners.custom import PrunerLike, as_pruner
from raystudy.samplers.custom import SamplerLike, seed_of, spec_of
from raystudy.storages.base import Storage
from raystudy.storages.memory import InMemoryStorage

__all__ = ["remember_settings"]


def remember_settings(
    storage: Storage,
    study_id: int,
    sampler: SamplerLike,
    pruner: PrunerLike,
    say: Callable[[str], None],
) -> int:
    """Store sampler, pruner and seed with the study where they are new, and return the seed.

    Args:
        storage: The storage.
        study_id: The study.
        sampler: The sampler; its own seed, if it has one, is the study's from now on.
        pruner: The pruner.
        say: Called with a line for the user if another sampler or pruner was stored before, or what cannot be.

    Raises:
        ValueError: If sampler or pruner is a user's own that was not given again.
    """
    study = storage.read_study(study_id)
    stored = study.system_attrs
    own = seed_of(sampler)
    seed = stored.get(SEED) if own is None else own
    settings: dict[str, Any] = {
        SAMPLER: spec_of(sampler),
        PRUNER: as_pruner(pruner).spec(),
        SEED: secrets.randbits(48) if seed is None else seed,
        TOKEN: stored.get(TOKEN) or secrets.token_hex(4),
    }
    changed = {key: value for key, value in settings.items() if _plain(stored.get(key)) != _plain(value)}
    for key, what in ((SAMPLER, "sampler"), (PRUNER, "pruner")):
        if key in changed and key in stored:
            say(
                f"study {study.name!r}: the {what} is {_words(settings[key])} from now on; "
                f"it was {_words(stored[key])}"
            )
    if not isinstance(storage, InMemoryStorage):
        for part, again in _not_stored(changed, sampler):
            say(
                f"study {study.name!r}: {part} cannot be stored with the study; {again} whenever you open the study "
                "by its name"
            )
    if changed:
        storage.set_study_attrs(study_id, {}, changed)
    return int(settings[SEED])


def _not_stored(changed: Mapping[str, Any], sampler: SamplerLike) -> Iterator[tuple[str, str]]:
    """Yield what of the changed settings a database cannot hold, and what to do about it."""
    if SAMPLER in changed and (names := _left_out(sampler)):
        yield f"what you gave the sampler as {' and '.join(names)}", "pass the sampler again"
    if SAMPLER in changed and changed[SAMPLER].get("custom"):
        yield f"your sampler {changed[SAMPLER]['name']}", "pass it again"
    if PRUNER in changed and (own := _own_pruner(changed[PRUNER])):
        yield f"your pruner {own}", "pass it again"


def _plain(value: object) -> object:
    """Return a value as a database would give it back: tuples are lists there."""
    return json.loads(json.dumps(value))


def _left_out(sampler: object) -> list[str]:
    """Return the names of those arguments that its spec leaves out, of a sampler and of one inside of it."""
    if not is_dataclass(sampler) or isinstance(sampler, type) or not hasattr(sampler, "spec"):
        return []
    spec, given = (
        sampler.spec(),
        {each.name: getattr(sampler, each.name) for each in fields(sampler) if each.init},
    )
    inner = [name for value in given.values() for name in _left_out(value)]
    return [name for name, value in given.items() if value is not None and name not in spec] + inner


def _own_pruner(spec: Mapping[str, Any]) -> str | None:
    """Return the class name of a user's own pruner, also of one that is wrapped."""
    wrapped = spec.get("wrapped_pruner")
    if isinstance(wrapped, Mapping):
        return _own_pruner(wrapped)
    return str(spec["name"]) if spec.get("custom") else None


def _words(spec: Mapping[str, Any]) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in spec.items() if name != "name")
    return f"{spec.get('name')}({arguments})"
