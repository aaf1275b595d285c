"""The shape of a line: what can be seen of it without reading, for telling page furniture from news.

Shapes sit beside TF-IDF in the `kind` head only. All values lie between 0 and 1.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parastance.predict.tokens import WORD

LINK = re.compile(r"https?:|www\.|\.(?:com|org|net|info|co\.uk)\b", re.I)
_DOT_WORD = re.compile(r"\.\w")
DATE = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d|\b\d{1,2}(?:st|nd|rd|th)? (?:jan|feb|mar|apr|may|jun|jul"
    r"|aug|sep|oct|nov|dec)|\d{1,2}:\d\d|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b",
    re.I,
)
MARKS = "|»›→•·©®™✉☎▶►★#_*/<>"
NAMES = (
    "length_20", "length_60", "length_150", "length_400",
    "words_3", "words_6", "words_12", "capitals", "capitalised_words", "all_capitals",
    "digits", "date", "link", "mail", "separator", "copyright", "ends_sentence", "ends_open", "ends_colon",
    "inner_stop", "comma", "quotation", "starts_lower", "starts_mark", "question", "brackets",
    "place_known", "place_first", "place_top", "place_bottom", "place_last",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a paragraph stands in its document: the `index`-th (from 1) of `count`."""

    index: int
    count: int


def shape(text: str, place: Place | None = None) -> list[float]:
    """Return the values named by NAMES for one paragraph."""
    length = len(text)
    words = WORD.findall(text)
    letters = [c for c in text if c.isalpha()]
    capitals = sum(map(str.isupper, letters)) / max(1, len(letters))
    long_words = [word for word in words if len(word) > 3]
    titled = sum(word[0].isupper() for word in long_words) / max(1, len(long_words))
    last = text.rstrip("\"'”’») ")[-1:]
    first = text[:1]
    values = [
        length < 20, length < 60, length < 150, length < 400,
        len(words) <= 3, len(words) <= 6, len(words) <= 12, capitals, titled, capitals > 0.8,
        min(1.0, 4 * sum(map(str.isdigit, text)) / max(1, length)),
        bool(DATE.search(text)), bool(LINK.search(text)), has_mail(text),
        min(1.0, sum(text.count(mark) for mark in MARKS) / 3), "©" in text or "opyright" in text,
        last in (".", "!", "?") and last != "", text.rstrip().endswith(("…", "...", "»", "›", ">")), last == ":",
        bool(re.search(r"[.!?] [A-Z“\"]", text)), "," in text, bool(re.search(r"[\"“”«»]", text)),
        first.islower(), bool(first) and not first.isalnum() and first not in "\"“'‘(", "?" in text,
        "(" in text or "[" in text,
    ]  # fmt: skip
    where = [0.0] * 5
    if place is not None:
        top, bottom = place.index - 1, place.count - place.index
        where = [1.0, float(top == 0), float(top < 4), float(bottom < 5), float(bottom == 0)]
    return [float(value) for value in values] + where


def has_mail(text: str) -> bool:
    """Return whether an address is seen: whether `\\S@\\S+\\.\\w` is found, in linear time."""
    if "@" not in text:
        return False
    for run in text.split():
        at = run.find("@", 1)
        if at > 0 and _DOT_WORD.search(run, at + 2):
            return True
    return False


def shapes(texts: Sequence[str], places: Sequence[Place | None] | None = None) -> NDArray[np.float64]:
    """Return the shapes of the paragraphs, float64 of shape (n, len(NAMES))."""
    where = places if places is not None else [None] * len(texts)
    rows = [shape(text, place) for text, place in zip(texts, where, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(NAMES))
