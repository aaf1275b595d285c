"""A reliability plot in text, which every viewer of Markdown shows the same: what the model says against how often it is true."""

from collections.abc import Sequence
from typing import Any

from parastance.train.certify import CONFIDENCE, lower_bound, upper_bound

WIDTH = 50  # characters from 0 to 1
LEGEND = "| says   o is true   * both   - 95% interval of what is true"


def reliability_plot(label: str, bins: Sequence[dict[str, Any]]) -> list[str]:
    """Return the lines of one label's plot, from the bins that `predict.metrics.reliability` gives.

    A line is a bin of rows by what the model says of them (DeGroot and Fienberg 1983, The Statistician 32). The intervals are
    two-sided Clopper-Pearson ones, over rows.
    """
    scale = "0" + "".join(f"{tick:>{WIDTH // 5}}" for tick in ("0.2", "0.4", "0.6", "0.8", "1"))
    return [f"{label:<24} says  true    rows  {scale}", *(_line(one) for one in bins)]


def _line(one: dict[str, Any]) -> str:
    rows, hits = one["rows"], round(one["true"] * one["rows"])
    confidence = (1 + CONFIDENCE) / 2
    low, high = _place(lower_bound(hits, rows, confidence)), _place(upper_bound(hits, rows, confidence))
    axis = [" "] * (WIDTH + 1)
    axis[low : high + 1] = "-" * (high + 1 - low)
    axis[_place(one["said"])] = "|"
    axis[_place(one["true"])] = "*" if _place(one["said"]) == _place(one["true"]) else "o"
    return f"{'':<24} {one['said']:.2f}  {one['true']:.2f} {rows:>7,}  {''.join(axis)}".rstrip()


def _place(share: float) -> int:
    return round(share * WIDTH)
