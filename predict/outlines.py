"""The shapes of a batch of lines, as `shape.shape` has them: dates and links by their word types, the rest by characters."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict import lexicon as words
from parastance.predict import marks, unicode
from parastance.predict.characters import Indices
from parastance.predict.keytable import Ids
from parastance.predict.passages import Passages
from parastance.predict.scorer import Matrix
from parastance.predict.shape import NAMES, Place, has_mail

_TAIL = "\"'”’») "
_OPEN = ("…", "...", "»", "›", ">")
Where = NDArray[np.bool_]


def shapes(seen: Passages, texts: Sequence[str], places: Sequence[Place | None] | None) -> Matrix:
    """Return the shapes of the paragraphs, float64 of shape (n, len(NAMES))."""
    found = np.zeros((len(seen), len(NAMES)))
    columns = {**_counted(seen), **_seen_in_words(seen), **_seen_in_marks(seen, texts), **_seen_at_ends(seen, texts)}
    for at, name in enumerate(NAMES):
        if name in columns:
            found[:, at] = columns[name]
    for at, place in enumerate(places or ()):
        if place is not None:
            top, bottom = place.index - 1, place.count - place.index
            found[at, len(columns) :] = 1, top == 0, top < 4, bottom < 5, bottom == 0
    return found


def _counted(seen: Passages) -> dict[str, NDArray[np.generic]]:
    length, n_words = seen.characters.ends - seen.characters.starts, seen.word_ends - seen.word_starts
    letters, capitals, digits = (
        seen.total(seen.lexicon.of(column, seen.words)) for column in (words.LETTERS, words.CAPITALS, words.DIGITS)
    )
    capital = capitals / np.maximum(1, letters)
    titled = seen.flags & (words.LONG | words.UPPER) == words.LONG | words.UPPER
    long = seen.total((seen.flags & words.LONG != 0).view(np.uint8))
    return {
        "length_20": length < 20, "length_60": length < 60, "length_150": length < 150, "length_400": length < 400,
        "words_3": n_words <= 3, "words_6": n_words <= 6, "words_12": n_words <= 12,
        "capitals": capital, "capitalised_words": seen.total(titled.view(np.uint8)) / np.maximum(1, long),
        "all_capitals": capital > 0.8, "digits": np.minimum(1, 4 * digits / np.maximum(1, length)),
    }  # fmt: skip


def _seen_in_words(seen: Passages) -> dict[str, Where]:
    """Return what is seen of dates and links."""
    letters, classes = seen.characters.letters, seen.characters.classes
    odd = np.flatnonzero(seen.flags & (words.DATED | words.LINKED))

    def decimal(places: Indices) -> Where:
        return np.asarray(classes.take(places) & unicode.DECIMAL != 0)

    def behind(steps: int) -> tuple[Ids, Indices, Indices]:
        """Return (what words look like that come so many words later, where they start, where they end)."""
        at = odd + steps
        return seen.flags.take(at, mode="clip"), seen.starts.take(at, mode="clip"), seen.ends.take(at, mode="clip")

    (first, start, end), (second, second_start, second_end), (third, third_start, _) = (behind(steps) for steps in range(3))
    second = second * (second_start == end + 1)  # 0 unless one character stands between, as it does not behind the last word
    third = third * (third_start == second_end + 1)
    mark = letters.take(end)
    blank, dot = mark == ord(" "), mark == ord(".")
    parted, parted_again = (
        (one == ord(".")) | (one == ord("/")) | (one == ord("-")) for one in (mark, letters.take(second_end))
    )
    day = (blank & decimal(end + 1)) | (dot & (letters.take(end + 1) == ord(" ")) & decimal(end + 2))
    date = (first & words.MONTH != 0) & day
    date |= (first & words.DAY != 0) & blank & (second & words.MONTH_START != 0)
    numbers = (first & words.UP_TO_FOUR != 0) & (second & words.ONE_OR_TWO != 0) & (third & words.UP_TO_FOUR != 0)
    date |= numbers & parted & parted_again
    dotted = letters.take(start - 1) == ord(".")
    link = (first & words.SCHEME != 0) & (mark == ord(":"))
    link |= (first & words.WWW != 0) & dot
    link |= dotted & ((first & words.DOMAIN != 0) | ((first & words.CO != 0) & dot & (second & words.UK != 0)))
    clock = seen.marks.of(marks.COLON)
    clock = clock[decimal(clock - 1) & decimal(clock + 1) & decimal(clock + 2)]
    paragraph = seen.paragraph.take(odd)
    return {"date": _any(seen, paragraph[date], _paragraphs(seen, clock)), "link": _any(seen, paragraph[link])}


def _seen_in_marks(seen: Passages, texts: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """Return what is seen of the marks between words."""
    characters, between, found = seen.characters, seen.marks, np.zeros(len(seen), np.uint16)
    first = np.append(np.searchsorted(between.places, characters.starts), len(between.places))
    filled = np.flatnonzero(first[1:] > first[:-1])
    if len(filled):
        found[filled] = np.bitwise_or.reduceat(between.kinds, first.take(filled))
    separators = np.bincount(_paragraphs(seen, between.of(marks.SEPARATOR)), minlength=len(seen))
    if "_" in characters.text:
        separators += characters.count(characters.letters == ord("_"))
    stops = between.of(marks.STOP)
    stops = stops[characters.letters.take(stops + 1) == ord(" ")]
    next_ = characters.points.take(stops + 2)
    stops = stops[((next_ >= ord("A")) & (next_ <= ord("Z"))) | (next_ == ord('"')) | (next_ == ord("“"))]
    seen_of = {
        name: found & kind != 0
        for name, kind in (
            ("mail", marks.AT), ("copyright", marks.COPYRIGHT), ("comma", marks.COMMA), ("quotation", marks.QUOTATION),
            ("question", marks.QUESTION), ("brackets", marks.BRACKET),
        )
    }  # fmt: skip
    for at in np.flatnonzero(seen_of["mail"]).tolist():
        seen_of["mail"][at] = has_mail(texts[at])
    seen_of["copyright"][seen.paragraph.take(np.flatnonzero(seen.flags & words.OPYRIGHT))] = True
    return {**seen_of, "separator": np.minimum(1, separators / 3), "inner_stop": _any(seen, _paragraphs(seen, stops))}


def _seen_at_ends(seen: Passages, texts: Sequence[str]) -> dict[str, Where]:
    """Return what is seen of where paragraphs begin and end."""
    characters, classes, points = seen.characters, seen.characters.classes, seen.characters.points
    filled = characters.ends > characters.starts
    last = points.take(characters.ends - 1) * filled
    first, final = classes.take(characters.starts) * filled, classes.take(characters.ends - 1) * filled
    dots = (last == ord(".")) & (points.take(characters.ends - 2) == ord(".")) & (points.take(characters.ends - 3) == ord("."))
    opened = dots | np.isin(last, [ord(end) for end in _OPEN if len(end) == 1])
    for at in np.flatnonzero(final & unicode.SPACE).tolist():
        opened[at] = texts[at].rstrip().endswith(_OPEN)
    for at in np.flatnonzero(final & unicode.TAIL).tolist():
        last[at] = ord(texts[at].rstrip(_TAIL)[-1:] or "\0")
    return {
        "ends_sentence": np.isin(last, [ord(end) for end in ".!?"]), "ends_open": opened, "ends_colon": last == ord(":"),
        "starts_lower": first & unicode.LOWER != 0, "starts_mark": (first & (unicode.ALNUM | unicode.OPEN) == 0) & filled,
    }  # fmt: skip


def _paragraphs(seen: Passages, places: Indices) -> Indices:
    """Return the paragraphs of some characters."""
    return np.searchsorted(seen.characters.starts, places, "right") - 1


def _any(seen: Passages, *paragraphs: Indices) -> Where:
    """Return which paragraphs are among some."""
    found = np.zeros(len(seen), np.bool_)
    for some in paragraphs:
        found[some] = True
    return found
