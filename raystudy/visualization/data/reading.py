"""What all plots read of a study: trials with a value, columns of parameters, and texts about them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raystudy.constraints import is_feasible
from raystudy.distributions import CategoricalDistribution, Distribution, ParamValue
from raystudy.frozen import FrozenTrial, StudyDirection, TrialState
from raystudy.study_reading import StudyReader

__all__ = [
    "INFEASIBLE",
    "OBJECTIVE_VALUE",
    "BoolArray",
    "Column",
    "FloatArray",
    "IntArray",
    "Target",
    "ValuedTrials",
    "by_number",
    "check_target",
    "columns",
    "evenly",
    "feasible",
    "hover_text",
    "number_of",
    "signs_of",
    "studies_of",
    "valued_trials",
    "values_of",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Target = Callable[[FrozenTrial], float]

#: The name that a plotted value has if none is given.
OBJECTIVE_VALUE = "Objective Value"
#: Stands for the state of a complete trial that violates a constraint.
INFEASIBLE = "INFEASIBLE"
#: From so many points on they are drawn smaller and fainter.
_SOME, _MANY = 400, 4_000


@dataclass(frozen=True, slots=True)
class ValuedTrials:
    """The complete trials with a finite value, which most plots show.

    Attributes:
        trials: The trials by number.
        values: (n,) their values.
        n_without: How many complete trials are left out, for want of a finite value.
    """

    trials: tuple[FrozenTrial, ...]
    values: FloatArray
    n_without: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the plot must know about the trials that it does not show."""
        if not self.trials:
            return ("no trial is complete with a finite value",)
        left_out = f"{number_of(self.n_without, 'trial')} without a finite value left out"
        return (left_out,) if self.n_without else ()


@dataclass(frozen=True, slots=True)
class Column:
    """One parameter of some trials.

    Attributes:
        name: The parameter.
        values: Its value in each trial, None where the trial does not have it.
        present: (n,) whether the trial has it.
        distribution: The distribution that it has in the first of them.
    """

    name: str
    values: tuple[ParamValue, ...]
    present: BoolArray
    distribution: Distribution

    @property
    def is_categorical(self) -> bool:
        """Whether it has choices."""
        return isinstance(self.distribution, CategoricalDistribution)

    @property
    def is_log(self) -> bool:
        """Whether it is searched on a logarithmic scale."""
        return bool(getattr(self.distribution, "log", False))

    @property
    def is_numerical(self) -> bool:
        """Whether it, or each of its choices, is a number."""
        if not isinstance(self.distribution, CategoricalDistribution):
            return True
        return all(isinstance(x, int | float) and not isinstance(x, bool) for x in self.distribution.choices)


def studies_of(study: StudyReader | Iterable[StudyReader]) -> list[StudyReader]:
    """Return one or several studies as a list."""
    return [study] if isinstance(study, StudyReader) else list(study)


def check_target(studies: Sequence[StudyReader], target: Target | None, target_name: str) -> None:
    """Check that it is clear which value is plotted.

    Raises:
        ValueError: If a study has several objectives and there is no target.
    """
    if target is None and any(len(study.directions) > 1 for study in studies):
        raise ValueError(
            "this plot shows one value, and the study has several objectives: say which, for instance by "
            "target=lambda trial: trial.values[0], target_name='loss'"
        )
    if target is not None and target_name == OBJECTIVE_VALUE:
        text = f"target is given, but target_name is {OBJECTIVE_VALUE!r} still: the axis should have another name"
        warnings.warn(text, UserWarning, stacklevel=4)


def valued_trials(study: StudyReader, target: Target | None) -> ValuedTrials:
    """Return the complete trials of a study with their values, but for those without a finite one.

    Raises:
        TypeError, ValueError: If the target of a trial is no number.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    values = values_of(complete, target)
    kept = np.flatnonzero(np.isfinite(values))
    return ValuedTrials(
        tuple(complete[at] for at in kept.tolist()), values[kept], n_without=len(complete) - len(kept)
    )


def values_of(trials: Sequence[FrozenTrial], target: Target | None) -> FloatArray:
    """Return the target of each trial, (n,); without a target its only value."""
    if target is None:
        return np.array([(trial.values or [np.nan])[0] for trial in trials], dtype=np.float64)
    found = np.empty(len(trials))
    for at, trial in enumerate(trials):
        value = target(trial)
        try:
            found[at] = float(value)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"the target of trial {trial.number} is {value!r}, which is no number"
            ) from error
    return found


def columns(trials: Sequence[FrozenTrial], params: Iterable[str] | None) -> list[Column]:
    """Return some parameters of trials, or all of them, by name.

    Raises:
        ValueError: If no trial has one of them.
    """
    homes: dict[str, Distribution] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            homes.setdefault(name, distribution)
    if params is not None and trials:
        unknown = sorted(set(params) - homes.keys())
        if unknown:
            raise ValueError(f"no complete trial has a parameter {unknown[0]!r}; there are {sorted(homes)}")
    wanted = sorted(homes if params is None else homes.keys() & set(params))
    all_params = [trial.params for trial in trials]
    return [
        Column(
            name,
            tuple(each.get(name) for each in all_params),
            np.fromiter((name in each for each in all_params), dtype=np.bool_, count=len(trials)),
            homes[name],
        )
        for name in wanted
    ]


def feasible(trials: Sequence[FrozenTrial]) -> BoolArray:
    """Say which trials meet their constraints, (n,); those without any do."""
    # Most studies have no constraints, and few attributes to look for them in.
    found = (not trial.system_attrs or is_feasible(trial.constraints) for trial in trials)
    return np.fromiter(found, dtype=np.bool_, count=len(trials))


def signs_of(directions: Sequence[StudyDirection]) -> FloatArray:
    """Return what values are multiplied by so that lower ones are better, (k,)."""
    return np.array([-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in directions])


def evenly(n: int, count: int) -> IntArray:
    """Return ``count`` of the positions 0 to n - 1, evenly spaced and with both ends; all of them if they are fewer."""
    if n <= count:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, count).round().astype(np.int64))


def number_of(n: int, what: str) -> str:
    """Return a count with its noun: "1 trial", "10,000 trials"."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def by_number(n: int, few: float, some: float, many: float) -> float:
    """Return a size or an opacity by how many things are drawn with it."""
    return few if n < _SOME else some if n < _MANY else many


def hover_text(trial: FrozenTrial) -> str:
    """Return what plotly shows where the mouse is over a trial: number, values, parameters, attributes as JSON."""
    parts = [
        f'"number": {trial.number}',
        f'"values": {_rows(trial.values)}',
        f'"params": {_rows(trial.params)}',
    ]
    if trial.user_attrs:
        attrs = [f"{json.dumps(key)}: {_nested(value)}" for key, value in trial.user_attrs.items()]
        parts.append(f'"user_attrs": {{<br>    {",<br>    ".join(attrs)}<br>  }}')
    return f"{{<br>  {',<br>  '.join(parts)}<br>}}"


#: Puts each item on a line of its own; the encoder with ``indent`` would take ten times as long.
_ENCODER = json.JSONEncoder(separators=(",<br>    ", ": "), default=str)


def _rows(items: Any) -> str:
    text = _ENCODER.encode(items)
    return f"{text[0]}<br>    {text[1:-1]}<br>  {text[-1]}" if items else text


def _nested(value: Any) -> str:
    try:
        return json.dumps(value, indent=2).replace("\n", "<br>    ")
    except TypeError:
        return json.dumps(str(value))
