"""What Python knows of characters, for scoring: `_kernel.c` and `characters` ask here and keep the answers.

So that they agree with `str.lower` and `re` of the running Python to the letter, whichever Unicode version that has.
"""

import numpy as np

from parastance.predict.shape import MARKS
from parastance.predict.tokens import as_token

APOSTROPHES = "'’ʼ`´"
BLOCK = 256  # code points
(
    WORD, SPACE, ALPHA, UPPER, LOWER, DIGIT, DECIMAL, MARK, CLOSE, OPEN, STOP, BEFORE, AFTER, ALNUM, TAIL, APOSTROPHE
) = (1 << bit for bit in range(16))  # fmt: skip
_SETS = (MARKS, "\"”’')", "\"“‘'(", ".!?")


def _class(character: str) -> int:
    word = character.isalnum() or character == "_"
    bits = (
        word, character.isspace(), character.isalpha(), character.isupper(), character.islower(), character.isdigit(),
        character.isdecimal(), *(character in members for members in _SETS),
        word and character != "_" and not "A" <= character <= "Z", word and character != "_" and not "a" <= character <= "z",
        character.isalnum(), character in "\"'”’») ", character in APOSTROPHES,
    )  # fmt: skip
    return sum(1 << at for at, bit in enumerate(bits) if bit)


def class_block(block: int) -> bytes:
    """Return the classes of 256 code points from 256 * block on, as uint16: the bits are named above and in `_kernel_text.h`."""
    return np.array([_class(chr(BLOCK * block + at)) for at in range(BLOCK)], dtype=np.uint16).tobytes()


def word_forms(word: bytes) -> tuple[bytes, bytes, bytes, bool]:
    """Return (token, lower case, lower case without the last letter, whether it starts with a capital) of a UTF-8 word."""
    text = word.decode()
    return as_token(text).encode(), text.lower().encode(), text[:-1].lower().encode(), text[0].isupper()
