"""How wide words are, and words cut to the room they have."""

import unicodedata
from collections.abc import Callable


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for a broad East Asian character, none for a combining one."""
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


def shorten(text: str, room: float, width: Callable[[str], float] = cells) -> str:
    """Return the text, or its beginning and end with an ellipsis between, so that `width` of it is at most `room`."""
    if width(text) <= room:
        return text
    for kept in range(len(text) - 1, 0, -1):
        end = kept // 3
        short = f"{text[: kept - end].rstrip()}…{text[len(text) - end :].lstrip()}"
        if width(short) <= room:
            return short
    return "…"
