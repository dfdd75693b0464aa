"""Commands that make, change and remove studies and trials, with Optuna's options."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from raystudy import samplers
from raystudy.commands.listing import add_format
from raystudy.commands.opening import add_study_name, storage_url, study_of
from raystudy.commands.output import as_text, table_of
from raystudy.distributions import Distribution, json_to_distribution
from raystudy.exceptions import CLIUsageError
from raystudy.frozen import TrialState
from raystudy.opening import create_study, delete_study, load_study
from raystudy.samplers.base import Sampler
from raystudy.storages.rdb import RDBStorage
from raystudy.trial_columns import Column

__all__ = ["add_changing_commands"]

Commands = Callable[..., argparse.ArgumentParser]
_DIRECTIONS = ("minimize", "maximize")
_STATES = ("complete", "pruned", "fail")


def add_changing_commands(add: Commands) -> None:
    """Add the commands, each by ``add(name, run, help)``; a name of two words is one of a group."""
    create = add("create-study", _create, "make a study and print its name")
    create.add_argument("--study-name", metavar="NAME", help="default: a random one")
    create.add_argument("--direction", choices=_DIRECTIONS, help="default: minimize")
    create.add_argument("--directions", choices=_DIRECTIONS, nargs="+", help="one for each objective")
    create.add_argument("--skip-if-exists", action="store_true", help="be content with one of this name")
    add_study_name(
        add("delete-study", _delete, "remove a study with its trials and checkpoints"), required=True
    )
    attr = add("study set-user-attr", _set_user_attr, "attach a text to a study")
    add_study_name(attr, required=True)
    attr.add_argument("-k", "--key", required=True)
    attr.add_argument("--value", required=True)
    add("storage upgrade", _upgrade, "bring an older database to the present schema (make a backup first)")
    _add_ask(add)
    tell = add("tell", _tell, "finish a trial of ask")
    add_study_name(tell)
    tell.add_argument("--trial-number", type=int, required=True)
    tell.add_argument("--values", type=float, nargs="+", help="one for each objective")
    tell.add_argument("--state", choices=_STATES)
    tell.add_argument("--skip-if-finished", action="store_true")


def _add_ask(add: Commands) -> None:
    ask = add("ask", _ask, "begin a trial and print its parameters")
    add_study_name(ask)
    ask.add_argument("--sampler", metavar="CLASS", help="name of a sampler; default: the study's")
    ask.add_argument("--sampler-kwargs", metavar="JSON", help="its arguments")
    ask.add_argument(
        "--search-space",
        metavar="JSON",
        help='parameters: {"x": {"name": "FloatDistribution", "attributes": {"low": 0.0, "high": 1.0}}}',
    )
    add_format(ask, "json")


def _create(options: argparse.Namespace) -> str:
    return create_study(
        storage=storage_url(options, may_be_new=True),
        study_name=options.study_name,
        direction=options.direction,
        directions=options.directions,
        load_if_exists=options.skip_if_exists,
    ).study_name


def _delete(options: argparse.Namespace) -> str:
    delete_study(study_name=options.study_name, storage=storage_url(options))
    return ""


def _set_user_attr(options: argparse.Namespace) -> str:
    study_of(options).set_user_attr(options.key, options.value)
    return ""


def _upgrade(options: argparse.Namespace) -> str:
    storage = RDBStorage(storage_url(options), skip_compatibility_check=True)
    before, head = storage.get_current_version(), storage.get_head_version()
    if before == head:
        return f"the schema is {head} already"
    storage.upgrade()
    return f"the schema was {before} and is {head} now"


def _ask(options: argparse.Namespace) -> str:
    space: dict[str, Distribution] = {
        name: json_to_distribution(json.dumps(form))
        for name, form in _json("--search-space", options.search_space).items()
    }
    study = load_study(study_name=options.study_name, storage=storage_url(options), sampler=_sampler(options))
    trial = study.ask(space)
    columns: dict[Column, list[Any]] = {("number", ""): [trial.number]}
    columns |= {("params", name): [value] for name, value in trial.params.items()}
    if not trial.params and not options.flatten:
        columns["params", ""] = [{}]
    return as_text(*table_of(columns, options.flatten), options.format, only=True)


def _sampler(options: argparse.Namespace) -> Sampler | None:
    if options.sampler is None:
        if options.sampler_kwargs is not None:
            raise CLIUsageError("ask: --sampler-kwargs needs --sampler")
        return None
    return samplers.sampler_from_spec(
        {**_json("--sampler-kwargs", options.sampler_kwargs), "name": options.sampler}
    )


def _json(option: str, text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise CLIUsageError(f"{option}: expected JSON, got {text!r} ({error})") from None
    if not isinstance(found, dict):
        raise CLIUsageError(f"{option}: expected a JSON object, got {text!r}")
    return found


def _tell(options: argparse.Namespace) -> str:
    state = None if options.state is None else TrialState[options.state.upper()]
    study_of(options).tell(options.trial_number, options.values, state, options.skip_if_finished)
    return ""
