"""Text to tokens and n-grams: the one definition that training and prediction share.

A token is a run of word characters (letters, digits, marks, underscore) in lower case, every digit written as 0, so
that "killed 17" and "killed 23" are one feature while the number of digits stays. Lower-casing is done token by token
with `str.lower`; punctuation and line breaks only part tokens.
"""

import re

WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"\d")


def tokenize(text: str) -> list[str]:
    """Return the tokens of `text` in order, lower-cased, digits as 0."""
    words = WORD.findall(text)
    return _DIGITS.sub("0", " ".join(words).lower()).split(" ") if words else []


def as_token(word: str) -> str:
    """Return the token of one word."""
    return _DIGITS.sub("0", word.lower())


def bigrams(tokens: list[str]) -> list[str]:
    """Return the pairs of neighbouring tokens, each joined by one space."""
    return [f"{a} {b}" for a, b in zip(tokens, tokens[1:], strict=False)]


def subwords(word: str, shortest: int = 3, longest: int = 5) -> list[str]:
    """Return the character n-grams of a word padded by a space on either side, as scikit-learn's `char_wb` does.

    A padded word shorter than an n counts once, whole, and longer n-grams of it are not taken.
    """
    padded = f" {word} "
    grams = []
    for n in range(shortest, longest + 1):
        if len(padded) <= n:
            grams.append(padded)
            break
        grams.extend(padded[i : i + n] for i in range(len(padded) - n + 1))
    return grams
