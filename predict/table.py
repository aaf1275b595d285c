"""Records as a table for people at a terminal, with colour."""

import os
import shutil
import textwrap
from collections.abc import Iterable
from typing import Any, TextIO

COLOURS = {"supportive": "32", "opposed": "31", "neutral": "2"}
TOPIC_COLOUR, FURNITURE_COLOUR, HEAD_COLOUR = "36", "2", "1"
MOST_LINES = 4  # of one paragraph
MOST_GROUNDS = 6  # words of evidence a label


class TableWriter:
    """Writes one block a paragraph: its number, its labels, and the first lines of its text."""

    def __init__(self, stream: TextIO, width: int | None = None, colour: bool | None = None) -> None:
        self.stream = stream
        self.width = width or min(shutil.get_terminal_size((100, 24)).columns, 120)
        self.colour = colour if colour is not None else "NO_COLOR" not in os.environ
        self.document: str | None = None

    def write(self, records: Iterable[dict[str, Any]]) -> None:
        for record in records:
            self.stream.write(self.block(record))

    def block(self, record: dict[str, Any]) -> str:
        """Return the lines of one record."""
        lines = []
        if record.get("doc", "") != self.document:
            self.document = record.get("doc", "")
            if self.document:
                target = f"   stance toward: {record['target']}" if "target" in record else ""
                lines.append(self.paint(f"{_printable(self.document)}{target}", HEAD_COLOUR) + "\n")
        number = _printable(str(record.get("paragraph", record.get("id", ""))))
        lines.append(f"{number:>4}  {self.labels(record)}")
        text = " ".join(_printable(str(record.get("text", ""))).split())
        lines.extend(
            textwrap.wrap(
                text, self.width, initial_indent="      ", subsequent_indent="      ", max_lines=MOST_LINES, placeholder=" …"
            )
        )
        for label, words in _grounds(record).items():
            lines.append("      " + self.paint(f"{label}: {', '.join(words)}", FURNITURE_COLOUR))
        return "\n".join(lines) + "\n\n"

    def labels(self, record: dict[str, Any]) -> str:
        """Return the labels with their probabilities; a `?` marks one that the model is not certified to be right on."""
        if record.get("kind") == "boilerplate":
            return self.paint("boilerplate", FURNITURE_COLOUR)
        parts = []
        unsure = record.get("abstained", [])
        for topic in record.get("topics", []):
            mark = "?" if topic in unsure else ""
            parts.append(self.paint(f"{topic} {record['topic_probabilities'][topic]:.2f}{mark}", TOPIC_COLOUR))
        if not parts and "topics" in record:
            parts.append(self.paint("no topic", FURNITURE_COLOUR))
        if "stance" in record:
            stance = record["stance"]
            mark = "?" if stance in unsure else ""
            text = f"{stance} {record['stance_probabilities'][stance]:.2f}{mark}"
            parts.append(self.paint(text, COLOURS.get(stance, "33")))
        return " · ".join(parts)

    def paint(self, text: str, code: str) -> str:
        """Return the text in an ANSI colour, or as it is where colour is off (NO_COLOR)."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def close(self) -> None:
        self.stream.flush()


def _grounds(record: dict[str, Any]) -> dict[str, list[str]]:
    """Return the strongest words of the evidence per label, with their weights."""
    grounds: dict[str, list[str]] = {}
    for item in record.get("evidence", []):
        words = grounds.setdefault(item["label"], [])
        if item["end"] > item["start"] and len(words) < MOST_GROUNDS:
            word = _printable(record.get("text", "")[item["start"] : item["end"]])
            words.append(f"{word} {item['weight']:+.2f}")
    return grounds


def _printable(text: str) -> str:
    """Return the text without characters that would steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
