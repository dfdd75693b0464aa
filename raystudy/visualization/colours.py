"""Colours that both kinds of plots share; Okabe and Ito's, which people with any colour vision can tell apart."""

from __future__ import annotations

from raystudy.orchestrator.rung_fates import Fate
from raystudy.visualization.data.reading import INFEASIBLE

__all__ = ["BEST", "ENDINGS", "FATES", "GREY", "PALETTE", "STATES", "VALUES"]

VALUES, BEST, GREY = "#0072b2", "#d55e00", "#b8b8b8"
#: For several studies.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a", "#8c6d31", "#333333")
#: Of trials by their state, in the order of a legend.
STATES = {
    INFEASIBLE: GREY,
    "COMPLETE": "#0072b2",
    "FAIL": "#d55e00",
    "PRUNED": "#e69f00",
    "RUNNING": "#009e73",
    "WAITING": "#7f7f7f",
}
#: Of attempts by how they ended.
ENDINGS = {
    "complete": "#0072b2",
    "paused": "#56b4e9",
    "pruned": "#e69f00",
    "failed": "#d55e00",
    "running": "#009e73",
}
#: Of trials by what became of them at a rung.
FATES = {
    Fate.ENDED: "#b0b0b0",
    Fate.WAITS: "#e69f00",
    Fate.WENT_ON: "#56b4e9",
    Fate.PROMOTED: "#0072b2",
    Fate.COMPLETE: "#009e73",
}
