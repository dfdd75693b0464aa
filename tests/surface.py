"""Print each public name of Optuna 5 beside ours, with signature and default values, and what is missing.

    python tests/surface.py            # the whole table
    python tests/surface.py --only-gaps

A gap is a name that raystudy does not have, a parameter that it does not take, or another default value.  Each gap
must stand, with its reason, in the last table of docs/differences.md; else the exit code is 1.  So it is for an entry
there that is no gap any more.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parent.parent / "docs" / "differences.md"
HEADING = "## Names that are missing"

#: Where users find public names; "" is the package itself.
MODULES = (
    "",
    "artifacts",
    "cli",
    "distributions",
    "exceptions",
    "importance",
    "integration",
    "logging",
    "pruners",
    "samplers",
    "samplers.nsgaii",
    "search_space",
    "storages",
    "storages.journal",
    "study",
    "terminator",
    "trial",
    "visualization",
    "visualization.matplotlib",
)

#: What stands in a module without ``__all__`` for its own use.
_INTERNAL = {
    "TYPE_CHECKING",
    "cast",
    "create_default_formatter",
    "deprecated_class",
    "optuna_warn",
    "progress_bar",
    "Real",
}
_INHERITED = tuple(vars(base) for base in (object, Exception, Enum, int))


@dataclass(frozen=True)
class Row:
    """One public name: what Optuna has, what we have, and what is amiss (nothing if it is empty)."""

    name: str
    theirs: str
    ours: str
    gap: str


def public_names(module: ModuleType, path: str) -> list[str]:
    """Return the public names of one of Optuna's modules."""
    if path == "cli":
        return ["main"]
    listed = set(getattr(module, "__all__", ()))
    if path in ("", "distributions", "exceptions", "logging"):  # what these list is less than what they have
        own = (name for name in vars(module) if not name.startswith("_") and name not in _INTERNAL)
        listed |= {name for name in own if _belongs(getattr(module, name))}
    return sorted(name for name in listed - _INTERNAL if not name.startswith("_"))


def _belongs(thing: object) -> bool:
    """Whether something is Optuna's, as far as it says where it is from."""
    home = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", "optuna")
    return str(home).partition(".")[0] == "optuna"


def found_in(module: ModuleType | None, name: str) -> object:
    """Return what a module has under a name, None if that needs another package."""
    try:
        return getattr(module, name, None)
    except ImportError:
        return None


def signature(thing: object) -> inspect.Signature | None:
    """Return the signature of a callable, None where Python does not know one."""
    if not callable(thing):
        return None
    try:
        return inspect.signature(thing)
    except (TypeError, ValueError):
        return None


def shown(found: inspect.Signature | None) -> str:
    """Return a signature without its annotations."""
    if found is None:
        return ""
    plain = [each.replace(annotation=inspect.Parameter.empty) for each in found.parameters.values()]
    text = str(inspect.Signature([each for each in plain if each.name != "self"]))
    return re.sub(r"<(?:function|class) [^>]*?([\w.]+)(?: at 0x\w+|')>", r"\1", text)


def signature_gap(theirs: inspect.Signature | None, ours: inspect.Signature | None) -> str:
    """Return why a call that fits their signature may not fit ours, or means another thing; else ''."""
    if theirs is None or ours is None:
        return ""
    takes_all = any(each.kind is each.VAR_KEYWORD for each in ours.parameters.values())
    places = [n for n, each in ours.parameters.items() if each.kind is not each.KEYWORD_ONLY]
    wrong = []
    for place, (name, param) in enumerate(theirs.parameters.items()):
        if param.kind in (param.VAR_POSITIONAL, param.VAR_KEYWORD) or name == "self":
            continue
        mine = ours.parameters.get(name)
        if mine is None:
            wrong += [] if takes_all else [f"no {name}"]
        elif not _same_default(param.default, mine.default):
            wrong.append(f"{name}={_word(mine.default)} instead of {_word(param.default)}")
        elif param.kind is not param.KEYWORD_ONLY and (place >= len(places) or places[place] != name):
            wrong.append(f"{name} at another place")
    for name, mine in ours.parameters.items():
        if name not in theirs.parameters and mine.default is mine.empty and mine.kind is mine.KEYWORD_ONLY:
            wrong.append(f"needs {name}")
    return ", ".join(wrong)


def _word(default: object) -> str:
    return "(needed)" if default is inspect.Parameter.empty else shown_value(default)


def shown_value(value: object) -> str:
    """Return a default value as text that does not depend on the package it comes from."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(shown_value(each) for each in value) + ")"
    return getattr(value, "__name__", repr(value))


def _same_default(theirs: object, ours: object) -> bool:
    # Where theirs is needed, a default of ours does no harm.
    return theirs is inspect.Parameter.empty or shown_value(theirs) == shown_value(ours)


def members(cls: type) -> Iterator[str]:
    """Yield the public attributes of a class that it or a public base of it defines."""
    for name in sorted(dir(cls)):
        if not name.startswith("_") and not any(name in base for base in _INHERITED):
            yield name


def rows_of(path: str, name: str, theirs: object, ours: object) -> Iterator[Row]:
    """Yield the row of one name and, for a class, those of its members."""
    full = f"{path}.{name}".lstrip(".")
    if isinstance(theirs, ModuleType):
        yield Row(full, "module", "module" if isinstance(ours, ModuleType) else "", "")
        return
    if not isinstance(theirs, type):
        their_sign, our_sign = signature(theirs), signature(ours)
        yield Row(full, shown(their_sign), shown(our_sign), signature_gap(their_sign, our_sign))
        return
    is_plain = issubclass(theirs, (Exception, Enum))
    their_sign, our_sign = (None, None) if is_plain else (signature(theirs), signature(ours))
    yield Row(full, shown(their_sign), shown(our_sign), signature_gap(their_sign, our_sign))
    for member in members(theirs):
        their_member, our_member = getattr(theirs, member), getattr(ours, member, None)
        if our_member is None and not _has(ours, member):
            yield Row(f"{full}.{member}", shown(signature(their_member)), "", "missing")
        else:
            a, b = signature(their_member), signature(our_member)
            yield Row(f"{full}.{member}", shown(a), shown(b), signature_gap(a, b))


def _has(cls: object, member: str) -> bool:
    """Whether objects of a class have an attribute: of the class, or a field or slot of its own."""
    own = (getattr(base, "__annotations__", {}) for base in getattr(cls, "__mro__", ()))
    documented = f"\n        {member}: " in (getattr(cls, "__doc__", None) or "")
    return hasattr(cls, member) or any(member in fields for fields in own) or documented


def table() -> Iterator[Row]:
    """Yield a row for each public name of Optuna."""
    for path in MODULES:
        their_module = importlib.import_module(f"optuna.{path}".rstrip("."))
        try:
            our_module: ModuleType | None = importlib.import_module(f"raystudy.{path}".rstrip("."))
        except ModuleNotFoundError:
            our_module = None
        for name in public_names(their_module, path):
            theirs, ours = found_in(their_module, name), found_in(our_module, name)
            if ours is None:
                yield Row(f"{path}.{name}".lstrip("."), shown(signature(theirs)), "", "missing")
            else:
                yield from rows_of(path, name, theirs, ours)


def reasons() -> dict[str, str]:
    """Return what docs/differences.md says of names that are missing or differ, by name; ``a.*`` is all of ``a``."""
    _, _, section = DOCS.read_text(encoding="utf-8").partition(HEADING)
    lines = [line for line in section.split("\n## ")[0].splitlines() if line.startswith("| `")]
    found: dict[str, str] = {}
    for line in lines:
        names, reason = line.strip("| ").split(" | ", 1)
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", names), reason)
    return found


def explained(name: str, listed: dict[str, str]) -> str | None:
    """Return the entry of the list that covers a name, or None."""
    parts = name.split(".")
    covering = [name, *(".".join(parts[:end]) + ".*" for end in range(len(parts) - 1, 0, -1))]
    return next((entry for entry in covering if entry in listed), None)


def main() -> int:
    """Print the table; return the number of gaps without a reason and of reasons without a gap."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only-gaps", action="store_true", help="leave out what is alike")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    listed, used, open_gaps, n_rows = reasons(), set(), 0, 0
    print("| name | Optuna 5 | raystudy | |\n|---|---|---|---|")
    for row in table():
        n_rows += 1
        entry = explained(row.name, listed) if row.gap else None
        used |= {entry}
        verdict = "" if not row.gap else row.gap + (" (docs)" if entry else " UNEXPLAINED")
        open_gaps += bool(row.gap) and entry is None
        if row.gap or not args.only_gaps:
            print(f"| {row.name} | {row.theirs} | {row.ours} | {verdict} |")
    stale = sorted(listed.keys() - used)
    print(
        f"{n_rows} names, {open_gaps} gaps without a reason in docs, reasons without a gap: {stale or 'none'}"
    )
    return int(bool(open_gaps or stale))


if __name__ == "__main__":
    sys.exit(main())
