"""Bytes to text: what is read, what is guessed and named, what is refused and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parastance.predict.decode import NotText, decode

FRENCH = "Les négociations ont échoué à Genève, a déclaré le ministère des Affaires étrangères. " * 4
RUSSIAN = "Переговоры в Женеве закончились ничем, сообщили в министерстве иностранных дел. " * 4

TEXTS = [
    ("ASCII", b"Talks failed.", "Talks failed.", None),
    ("UTF-8", "Talks in Zürich failed.".encode(), "Talks in Zürich failed.", None),
    ("UTF-8 with a mark", b"\xef\xbb\xbfTalks", "Talks", None),
    ("CRLF is kept", b"a\r\nb\rc\n", "a\r\nb\rc\n", None),
    ("UTF-16 with a mark", "Talks".encode("utf-16"), "Talks", None),
    ("one control character in a long text", b"Talks\x07" + b" failed" * 50, "Talks\x07" + " failed" * 50, None),
]
REFUSED = [
    ("JPEG", b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
    ("PNG", b"\x89PNG\r\n\x1a\n", "PNG"),
    ("PDF", b"%PDF-1.7\n", "PDF"),
    ("Word", b"PK\x03\x04....", "Office"),
    ("NUL byte", b"Talks\x00failed", "NUL byte at byte 5"),
    ("control characters", b"\x01\x02\x03\x04ab" * 20, "control characters"),
    ("cut UTF-16", b"\xff\xfea", "UTF-16"),
]


@pytest.mark.parametrize(("what", "data", "text", "guess"), TEXTS, ids=[case[0] for case in TEXTS])
def test_text(what: str, data: bytes, text: str, guess: str | None) -> None:
    found = decode(data)
    assert (found.text, found.guessed) == (text, guess)


@pytest.mark.parametrize(("text", "encoding"), [(FRENCH, "cp1252"), (RUSSIAN, "cp1251")])
def test_a_guess_is_named_and_right(text: str, encoding: str) -> None:
    found = decode(text.encode(encoding))
    assert found.text == text
    assert found.guessed is not None


@pytest.mark.parametrize(("what", "data", "reason"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(what: str, data: bytes, reason: str) -> None:
    with pytest.raises(NotText, match=reason):
        decode(data)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_utf8_comes_back(text: str) -> None:
    assert decode(text.encode()).text == text.removeprefix("\ufeff")
