"""What a run says while it runs and when it is done, on standard error: a bar, plain lines, or JSON for machines."""

import json
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from parastance.predict.errors import one_line
from parastance.predict.labelling import MOST_NAMED
from parastance.predict.names import shown

LINE_EVERY, JSON_EVERY = 10.0, 1.0  # seconds
MOST_SHOWN = 12  # labels counted in the last line
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


@dataclass
class Tally:
    """What a run has done."""

    inputs: int = 0
    paragraphs: int = 0
    rejected: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        plural = ["s" * (count != 1) for count in (self.paragraphs, self.inputs)]
        head = f"{self.paragraphs:,} paragraph{plural[0]} labelled from {self.inputs:,} input{plural[1]}"
        if self.rejected:
            head += f", {self.rejected:,} rejected"
        common = self.labels.most_common(MOST_SHOWN)
        shares = ", ".join(f"{shown(name)} {count:,} ({self.share(count)})" for name, count in common)
        shares += f" and {len(self.labels) - MOST_SHOWN} labels more" if len(self.labels) > MOST_SHOWN else ""
        return f"{head}: {shares}" if shares else head

    def share(self, count: int) -> str:
        """Return a count as a share of the paragraphs."""
        return f"{100 * count / max(self.paragraphs, 1):.1f}%"


class Reporter:
    """Tells a user or a machine how far a run is. quiet: nothing but rejects; as_json: one JSON object a line."""

    def __init__(self, quiet: bool = False, as_json: bool = False, stream: TextIO | None = None) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.quiet = quiet and not as_json
        self.as_json = as_json
        self.began = self.said = time.monotonic()
        self.total = self.size = self.paragraphs = self.rejected = self.named = 0
        self.skipped = 0  # bytes that an earlier run has done
        self.bar: Any = None
        self.rejects_path: str | None = None

    def hint(self, text: str) -> None:
        """Say what a user should know but a script need not."""
        if not self.quiet:
            self.say(text)

    def start(self, total: int, inputs: int, table: bool = False) -> None:
        """Begin: so many bytes in so many inputs. table: records appear on the same terminal, so that a bar would be in the way."""
        self.total = total
        self.began = self.said = time.monotonic()
        if self.as_json:
            self._json("start", inputs=inputs, bytes=total)
        elif not self.quiet and not table and self.stream.isatty():
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread of its own: `tick` refreshes it, and workers may be forks
            self.bar = tqdm(
                total=total or None, unit="B", unit_scale=True, file=self.stream, leave=False, dynamic_ncols=True, mininterval=0.2
            )

    def skip(self, size: int) -> None:
        """Count bytes whose part is done already."""
        self.skipped += size
        self.note(size, 0, 0)

    def note(self, size: int, paragraphs: int, rejected: int) -> None:
        """Count what has been done; negative numbers take back what must be done again."""
        self.size += size
        self.paragraphs += paragraphs
        self.rejected += rejected
        if self.bar is not None:
            self.bar.set_postfix_str(f"{self.rate():,.0f} paragraphs/s, {self.rejected:,} rejects", refresh=False)
            self.bar.update(size)

    def rate(self) -> float:
        """Return paragraphs per second."""
        return self.paragraphs / max(time.monotonic() - self.began, 1e-3)

    def left(self) -> float | None:
        """Return the seconds left, None while nothing is known."""
        done = self.size - self.skipped
        if done <= 0 or not self.total:
            return None
        return (time.monotonic() - self.began) * max(self.total - self.size, 0) / done

    def tick(self) -> None:
        """Say how far the run is, every few seconds, where there is no bar."""
        if self.bar is not None:
            self.bar.refresh()
        now = time.monotonic()
        if self.quiet or self.bar is not None or now - self.said < (JSON_EVERY if self.as_json else LINE_EVERY):
            return
        self.said = now
        left = self.left()
        if self.as_json:
            self._json(
                "progress", bytes=self.size, of=self.total, paragraphs=self.paragraphs, per_second=round(self.rate()),
                seconds_left=None if left is None else round(left), rejected=self.rejected,
            )  # fmt: skip
            return
        share = f"{100 * self.size / self.total:.0f}% of {size_text(self.total)}, " if self.total else ""
        rest = f", {time_text(left)} left" if left is not None else ""
        self.say(f"{share}{self.paragraphs:,} paragraphs, {self.rate():,.0f}/s{rest}, {self.rejected:,} rejects")

    def rejects(self, messages: list[str], count: int) -> None:
        """Name rejects, the first ones of a run; count: how many there are of them, named or not."""
        for message in messages[: None if self.as_json else max(MOST_NAMED - self.named, 0)]:
            self.say(message, "reject")
        before, self.named = self.named, self.named + count
        if before <= MOST_NAMED < self.named and not self.as_json:
            self.say(f"more rejects follow{f', see {self.rejects_path}' if self.rejects_path else ''}")

    def say(self, text: str, event: str = "message", **facts: Any) -> None:
        """Print one line for people, or the facts for machines."""
        if self.as_json:
            self._json(event, message=text, **facts)
            return
        line = f"parastance: {one_line(text)}"
        with suppress(OSError):  # a log that is full costs no run
            if self.bar is not None:
                self.bar.write(line, file=self.stream)
            else:
                print(line, file=self.stream, flush=True)

    def finish(self, tally: Tally, output: str | None = None) -> None:
        """Print the summary."""
        self.close()
        if self.as_json:
            shares = {name: round(count / max(tally.paragraphs, 1), 4) for name, count in tally.labels.most_common()}
            self._json(
                "end", inputs=tally.inputs, paragraphs=tally.paragraphs, rejected=tally.rejected, labels=dict(tally.labels),
                shares=shares, seconds=round(time.monotonic() - self.began, 3), output=output,
                rejects=self.rejects_path if tally.rejected else None,
            )  # fmt: skip
        elif not self.quiet:
            self.say(str(tally))
            if tally.rejected and self.rejects_path:
                self.say(f"rejects with reasons in {self.rejects_path}")

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _json(self, event: str, **facts: Any) -> None:
        seconds = round(time.monotonic() - self.began, 3)
        with suppress(OSError):
            print(json.dumps({"event": event, "at": seconds, **facts}), file=self.stream, flush=True)


def size_text(size: float) -> str:
    """Return bytes as people read them: 2.1 GB."""
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == UNITS[0] else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def time_text(seconds: float) -> str:
    """Return seconds as people read them: 3 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def progress_bar(quiet: bool, unit: str = " paragraphs") -> Any:
    """Return a tqdm bar on standard error, or None where that is no terminal or the user asked for quiet."""
    if quiet or not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(unit=unit, file=sys.stderr, leave=False, dynamic_ncols=True)
