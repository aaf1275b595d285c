"""The shapes of a batch of lines, as `shape.shape` has them: dates and links by their word types, the rest by characters."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from parastance.predict import lexicon as words
from parastance.predict import unicode
from parastance.predict.characters import Indices
from parastance.predict.passages import Passages
from parastance.predict.scorer import Matrix
from parastance.predict.shape import NAMES, Place, has_mail

_TAIL = "\"'”’») "
_OPEN = ("…", "...", "»", "›", ">")
Where = NDArray[np.bool_]


def shapes(seen: Passages, texts: Sequence[str], places: Sequence[Place | None]) -> Matrix:
    """Return the shapes of the paragraphs, float64 of shape (n, len(NAMES))."""
    found = np.zeros((len(seen), len(NAMES)))
    columns = {**_counted(seen), **_seen_in_words(seen), **_seen_in_texts(seen, texts)}
    for at, name in enumerate(NAMES[: len(columns)]):
        found[:, at] = columns[name]
    for at, place in enumerate(places):
        if place is not None:
            top, bottom = place.index - 1, place.count - place.index
            found[at, len(columns) :] = 1, top == 0, top < 4, bottom < 5, bottom == 0
    return found


def _counted(seen: Passages) -> dict[str, NDArray[np.generic]]:
    characters, classes = seen.characters, seen.characters.classes
    length, n_words = characters.ends - characters.starts, seen.word_ends - seen.word_starts

    def share(chosen: Where, of: Indices) -> Matrix:
        return np.asarray(characters.count(chosen) / np.maximum(1, of))

    upper = unicode.ALPHA | unicode.UPPER
    capital = share(classes & upper == upper, characters.count(classes & unicode.ALPHA != 0))
    long = np.flatnonzero(seen.ends - seen.starts > 3)
    titled = long[classes[seen.starts[long]] & unicode.UPPER != 0]
    many = np.maximum(1, np.bincount(seen.paragraph[long], minlength=len(seen)))
    return {
        "length_20": length < 20, "length_60": length < 60, "length_150": length < 150, "length_400": length < 400,
        "words_3": n_words <= 3, "words_6": n_words <= 6, "words_12": n_words <= 12,
        "capitals": capital, "capitalised_words": np.bincount(seen.paragraph[titled], minlength=len(seen)) / many,
        "all_capitals": capital > 0.8, "digits": np.minimum(1, 4 * share(classes & unicode.DIGIT != 0, length)),
        "separator": np.minimum(1, characters.count(classes & unicode.MARK != 0) / 3),
    }  # fmt: skip


def _seen_in_words(seen: Passages) -> dict[str, Where]:
    """Return what is seen of dates and links."""
    flags, letters = seen.lexicon.of(words.FLAGS, seen.words), seen.characters.letters
    decimal = seen.characters.classes & unicode.DECIMAL != 0
    start, end = seen.starts, seen.ends
    mark, behind = letters[end], letters[end + 1]

    def of(*kinds: int) -> list[Where]:
        return [flags & kind != 0 for kind in kinds]

    month, month_start, day, one_or_two, up_to_four, scheme, www, domain, co, uk = of(
        words.MONTH, words.MONTH_START, words.DAY, words.ONE_OR_TWO, words.UP_TO_FOUR, words.SCHEME, words.WWW, words.DOMAIN,
        words.CO, words.UK,
    )  # fmt: skip
    blank, dot = mark == ord(" "), mark == ord(".")
    date = month & ((blank & decimal[end + 1]) | (dot & (behind == ord(" ")) & decimal[end + 2]))
    next_ = start[1:] == end[:-1] + 1  # one character stands between a word and the next
    date[:-1] |= day[:-1] & blank[:-1] & month_start[1:] & next_
    parted = next_ & (dot | (mark == ord("/")) | (mark == ord("-")))[:-1]
    date[:-2] |= up_to_four[:-2] & parted[:-1] & one_or_two[1:-1] & parted[1:] & up_to_four[2:]
    clock = np.flatnonzero(letters == ord(":"))
    clock = clock[decimal[clock - 1] & decimal[clock + 1] & decimal[clock + 2]]
    dotted = letters[start - 1] == ord(".")
    link = (scheme & (mark == ord(":"))) | (www & dot) | (dotted & domain)
    link[:-1] |= (dotted & co & dot)[:-1] & next_ & uk[1:]
    dated = _any(seen, seen.paragraph[date])
    dated[np.searchsorted(seen.characters.starts, clock, "right") - 1] = True
    return {"date": dated, "link": _any(seen, seen.paragraph[link])}


def _any(seen: Passages, paragraphs: Indices) -> Where:
    found = np.zeros(len(seen), np.bool_)
    found[paragraphs] = True
    return found


def _seen_in_texts(seen: Passages, texts: Sequence[str]) -> dict[str, NDArray[np.generic] | list[bool]]:
    """Return what is seen of punctuation."""
    characters, classes, points = seen.characters, seen.characters.classes, seen.characters.points
    stops = np.flatnonzero(classes & unicode.STOP != 0)
    stops = stops[points[stops + 1] == ord(" ")]
    next_ = points[stops + 2]
    stops = stops[((next_ >= ord("A")) & (next_ <= ord("Z"))) | (next_ == ord('"')) | (next_ == ord("“"))]
    first = classes[characters.starts] * (characters.ends > characters.starts)
    last = [text.rstrip(_TAIL)[-1:] for text in texts]

    def holding(*marks: str) -> Where:
        found = np.zeros(len(texts), np.bool_)
        for mark in marks:
            if mark in characters.text:
                found |= np.fromiter([mark in text for text in texts], np.bool_, len(texts))
        return found

    mail = holding("@")
    mail[mail] = [has_mail(texts[at]) for at in np.flatnonzero(mail).tolist()]
    return {
        "mail": mail, "ends_sentence": [end in (".", "!", "?") for end in last],
        "ends_open": [text.rstrip().endswith(_OPEN) for text in texts], "ends_colon": [end == ":" for end in last],
        "inner_stop": _any(seen, np.searchsorted(characters.starts, stops, "right") - 1),
        "copyright": holding("©", "opyright"), "comma": holding(","),
        "quotation": holding('"', "“", "”", "«", "»"),
        "starts_lower": first & unicode.LOWER != 0,
        "starts_mark": (first & (unicode.ALNUM | unicode.OPEN) == 0) & (characters.ends > characters.starts),
        "question": holding("?"), "brackets": holding("(", "["),
    }  # fmt: skip
