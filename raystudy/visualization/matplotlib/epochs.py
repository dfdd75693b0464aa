"""How many epochs were trained, and how many the pruner has saved."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import StrMethodFormatter

from raystudy.study_reading import StudyReader
from raystudy.visualization import colours
from raystudy.visualization.data.epochs import epochs_saved
from raystudy.visualization.matplotlib.canvas import canvas, legend

__all__ = ["plot_epochs_saved"]


def plot_epochs_saved(study: StudyReader) -> Any:
    """Plot the epochs that were trained, beside those that the same trials would have taken without a pruner.

    See ``raystudy.visualization.plot_epochs_saved``.

    Returns:
        An array of the two axes.
    """
    found = epochs_saved(study)
    grid = canvas(found.title, found.notes, shape=(2, 1), size=(7.5, 6.0), height_ratios=[3, 2])
    above, below = grid.ravel()
    at = found.thinned()
    numbers, trained, without = found.numbers[at], np.cumsum(found.trained)[at], found.full * (at + 1)
    above.plot(numbers, without, color="0.5", linestyle="dashed", label="without a pruner")
    above.plot(numbers, trained, color=colours.VALUES, label="trained")
    above.fill_between(numbers, trained, without, color="#56b4e9", alpha=0.2, linewidth=0)
    above.set(xlabel="trial", ylabel="epochs")
    above.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    lengths = found.lengths()
    places, complete = np.arange(len(lengths)), np.array([each[1] for each in lengths], dtype=np.int64)
    stopped = np.array([each[2] for each in lengths], dtype=np.int64)
    bars = (
        (complete, np.zeros_like(complete), "complete", colours.VALUES, "white"),
        (stopped, complete, "stopped", colours.STATES["PRUNED"], "black"),
    )
    least = 0.06 * max(1, int(np.max(complete + stopped, initial=0)))  # lower bars have no room for a number
    for counts, bottom, label, colour, ink in bars:
        drawn = below.bar(places, counts, bottom=bottom, color=colour, label=label)
        texts = [str(count) if count >= least else "" for count in counts]
        below.bar_label(drawn, texts, label_type="center", color=ink, fontsize="small")
    below.set_xticks(places, [str(each[0]) for each in lengths])
    below.set(xlabel="epochs of a trial", ylabel="trials")
    legend(above)
    legend(below)
    return grid.ravel()
