"""Dates of records to periods: what a date column may hold, as a day, week, month or year."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

UNITS = ("year", "month", "week", "day")
WRITTEN = ("%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y", "%Y/%m/%d", "%d.%m.%Y", "%Y.%m.%d")
COARSE = ("%B %Y", "%b %Y", "%B, %Y", "%b, %Y")
MILLISECONDS = 100_000_000_000  # a number of seconds beyond this is one of milliseconds


def period(value: Any, unit: str) -> str | None:
    """Return the period of a date as `2015`, `2015-03`, `2015-W09` (ISO week) or `2015-03-01`; None where it has none.

    value: a date or time, a number of seconds (or milliseconds) since 1970 in UTC, or a text: ISO 8601, RFC 5322, or a day
    with its month's English name. The day is the one written: times are not moved between time zones. What is as
    coarse as `2015-03` has a month and a year but no day. A day and month in figures alone (03/04/2015) is read by nobody alike:
    it has no period.
    """
    if isinstance(value, (datetime, date)):
        return _format(value, unit)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return _of_seconds(float(value), unit)
    return _of_text(value.strip(), unit) if isinstance(value, str) else None


@lru_cache(maxsize=65536)
def _of_text(text: str, unit: str) -> str | None:
    if text.isdigit() and len(text) >= 9:
        return _of_seconds(float(text), unit)
    if text.isdigit() and len(text) == 4:
        return text if unit == "year" and text > "1000" else None
    if len(text) == 7 and text[4] in "-/":
        day = _parsed(f"{text[:4]}-{text[5:]}-01")
        return _format(day, unit) if day and unit in ("year", "month") else None
    day = _parsed(text)
    if day is None and unit in ("year", "month"):
        day = _written(text, COARSE)
    return _format(day, unit) if day else None


def _of_seconds(seconds: float, unit: str) -> str | None:
    try:
        return _format(datetime.fromtimestamp(seconds / (1000 if abs(seconds) > MILLISECONDS else 1), UTC), unit)
    except (OverflowError, ValueError, OSError):
        return None


def _parsed(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        pass
    return _written(text, WRITTEN)


def _written(text: str, forms: Sequence[str]) -> date | None:
    for form in forms:
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, form)
    return None


def _format(day: date, unit: str) -> str:
    if unit == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    return day.strftime("%Y-%m-%d" if unit == "day" else "%Y-%m")[: 4 if unit == "year" else None].rjust(4, "0")


def position(text: str, unit: str) -> int | None:
    """Return where a period lies on a line of such periods, one apart; None where the text is no period of that unit."""
    try:
        if unit == "year":
            return int(text)
        if unit == "month":
            year, month = text.split("-")
            return 12 * int(year) + int(month) - 1
        if unit == "week":
            year, week = text.split("-W")
            return date.fromisocalendar(int(year), int(week), 1).toordinal() // 7
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return None
