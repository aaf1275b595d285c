"""Delimited rows: CSV and TSV as Python's `csv` reads them, a row that is not whole as an error that keeps its lines."""

import csv
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from parastance.predict.decode import GUESSED, NotText, decode_line
from parastance.predict.errors import InputError
from parastance.predict.inputs import Row, Source

OWN = {".csv": ",", ".tsv": "\t"}
DELIMITERS = (",", ";", "\t")  # of what is named .csv
FIELD_LIMIT = 16 << 20  # characters of one field; a longer one is a missing quotation mark
REASONS = (  # what `csv` says, and what it means to the owner of the file
    ("field larger than field limit", f"a field of more than {FIELD_LIMIT >> 20} MB: is a quotation mark not closed?"),
    ("new-line character seen", "a carriage return outside of quotation marks: lines end with a line feed"),
)


def delimiter_of(header: str, form: str) -> str:
    """Return what parts the columns, by the first line of a table: for CSV a comma, or the semicolon or tab of spreadsheets."""
    if form == ".tsv":
        return "\t"
    try:
        return next((mark for mark in DELIMITERS if len(next(csv.reader([header], delimiter=mark), [])) > 1), ",")
    except csv.Error:
        return ","


def same_name(columns: Sequence[str]) -> str | None:
    """Return what is wrong with a table two columns of which bear the same name, None where none do."""
    if len(set(columns)) == len(columns):
        return None
    twice = Counter(columns).most_common(1)[0][0]
    return f"two columns bear the same name, `{twice}`: rename one"


def read_separated(source: Source, lines: Iterator[tuple[int, bytes]], form: str) -> Iterator[tuple[int, Row | InputError]]:
    """Yield (row number from 1, the row or what is wrong with it) of a table's lines, the header row first among them.

    Raises InputError where the header cannot be used.
    """
    csv.field_size_limit(FIELD_LIMIT)
    taken = _Taken(lines)
    first = next(taken, None)
    if first is None:
        raise InputError(source.name, "the file is empty")
    delimiter = delimiter_of(first, form)
    reader = csv.reader(itertools.chain([first], taken), delimiter=delimiter)
    try:
        header = next(reader)
    except csv.Error as error:
        raise InputError(source.name, f"its header cannot be read: {_reason(error)}") from None
    if taken.faults:
        raise InputError(source.name, f"its header cannot be read: {taken.faults[0]}")
    if not any(header):
        raise InputError(source.name, "the file is empty")
    if twice := same_name(header):
        raise InputError(source.name, twice)
    number = source.slice.row if source.slice else 0
    while True:
        number += 1
        taken.clear()
        fault = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, fault = [""], f"cannot be read: {_reason(error)}"
        if not cells:
            number -= 1
            continue
        if taken.ended:  # the reader asked for one line more
            fault = "a quotation mark is opened and never closed"
        elif fault is None and taken.faults:
            fault = taken.faults[0]
        elif fault is None and len(cells) != len(header):
            fault = f"{len(cells)} fields where the header names {len(header)}"
        if fault is not None:
            other = None if delimiter == OWN[form] else delimiter
            yield number, InputError(source.name, fault, number, "\n".join(taken.lines), header, other)
        else:
            row: Row = dict(zip(header, cells, strict=True))
            yield number, {**row, GUESSED: taken.guesses[0]} if taken.guesses else row


class _Taken:
    """The lines of a table as `csv` takes them, decoded; one that cannot be is taken too, so that its row can be rejected.

    lines: those of the row that is read; guesses: their encodings, where these were guessed; faults: why some are no text;
    ended: whether a line was wanted after the last one.
    """

    def __init__(self, given: Iterator[tuple[int, bytes]]) -> None:
        self.given = given
        self.lines: list[str] = []
        self.guesses: list[str] = []
        self.faults: list[str] = []
        self.ended = False

    def __iter__(self) -> "_Taken":
        return self

    def __next__(self) -> str:
        found = next(self.given, None)
        if found is None:
            self.ended = True
            raise StopIteration
        try:
            decoded = decode_line(found[1])
        except NotText as error:
            self.faults.append(str(error))
            self.lines.append(found[1].replace(b"\x00", b"").decode("utf-8", "backslashreplace"))
        else:
            self.guesses.extend([decoded.guessed] if decoded.guessed else [])
            self.lines.append(decoded.text)
        return self.lines[-1] + "\n"

    def clear(self) -> None:
        """Begin a new row."""
        for noted in (self.lines, self.guesses, self.faults):
            noted.clear()


def _reason(error: csv.Error) -> str:
    return next((ours for theirs, ours in REASONS if str(error).startswith(theirs)), str(error))


def read_line(raw: str, delimiter: str) -> list[list[str]]:
    """Return the rows, of fields, in some lines of a table without its header. Raises csv.Error."""
    return list(csv.reader([f"{line}\n" for line in raw.split("\n")], delimiter=delimiter))
