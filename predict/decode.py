"""Bytes to text: UTF-8 first, a stated guess where that fails, and a reason where bytes are no text.

Does not look at file names or formats (see `inputs`), nor at what the text says.
"""

from dataclasses import dataclass

MAGIC = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"OggS", "a sound or video file"),
    (b"ID3", "a sound file"),
)
WESTERN = ("cp1252", "latin_1")
GUESSED = "encoding"  # the field of a record that names a guessed encoding
UTF16 = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class NotText(ValueError):
    """The bytes are no text; the message says why."""


@dataclass(frozen=True)
class Decoded:
    """A text and, where its encoding had to be guessed, the name of the guess."""

    text: str
    guessed: str | None = None


def decode(data: bytes) -> Decoded:
    """Return the text of `data`, without a byte-order mark and with its line ends as they are.

    UTF-8 is tried first (UTF-16 where a byte-order mark says so); else charset-normalizer guesses and the guess is
    named in the result. Raises NotText for binary files, NUL bytes, and bytes no encoding explains.
    """
    refuse_binary(data)
    for mark, codec in UTF16:
        if data.startswith(mark):
            try:
                return Decoded(_checked(data.decode(codec)))
            except UnicodeDecodeError:
                raise NotText("it has a UTF-16 mark but is not UTF-16") from None
    if b"\x00" in data:
        raise NotText(f"NUL byte at byte {data.index(0)}: this is not a text file")
    try:
        return Decoded(_checked(data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        return _guess(data, error)


def refuse_binary(data: bytes) -> None:
    """Raise NotText where a file's first bytes are those of a picture, an archive, a program and the like."""
    for magic, what in MAGIC:
        if data.startswith(magic):
            raise NotText(f"this is {what}, not text")


def decode_line(line: bytes) -> Decoded:
    """Return the text of one line of a table: UTF-8, else a stated guess. Raises NotText where it is none."""
    if line.startswith(tuple(mark for mark, _ in UTF16)):
        raise NotText("this is UTF-16: save it as UTF-8")
    if b"\x00" in line:
        raise NotText(f"NUL byte at byte {line.index(0)} of the row")
    try:
        return Decoded(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return _guess(line, error)


def _guess(data: bytes, error: UnicodeDecodeError) -> Decoded:
    from charset_normalizer import from_bytes

    found = from_bytes(data[:200_000])
    best = found.best()
    western = [match for match in found if match.encoding in WESTERN and best is not None and match.chaos <= best.chaos]
    best = western[0] if western else best  # of equally good guesses the commonest
    if best is not None:
        try:
            return Decoded(_checked(data.decode(best.encoding)), best.encoding)
        except UnicodeDecodeError:
            pass
    raise NotText(f"not UTF-8 (byte {error.start}), and no other encoding fits: save it as UTF-8")


def _checked(text: str) -> str:
    controls = sum(text.count(chr(c)) for c in (*range(1, 9), *range(14, 27), 28, 29, 30, 31))
    if controls * 50 > len(text):
        raise NotText("it is full of control characters: this is not a text file")
    if "\x00" in text:
        raise NotText("it has NUL characters: this is not a text file")
    return text
