"""The errors a user can cause, as one small tree.

    ParastanceError            shown as one line, never as a traceback
    ├── UsageError             nothing to do it with: exit status 2
    │   └── ModelError         a model folder that is missing, broken or not to be trusted
    ├── DataError              labelled data that cannot be trained on: names file, row and reason
    ├── InputError             one input that cannot be labelled: goes to the rejects, the rest goes on
    └── OutputError            the output cannot be written: exit status 2
"""


def one_line(text: str) -> str:
    """Return a message as one line that steers no terminal: file names may hold line ends and escape sequences."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class ParastanceError(Exception):
    """Something that a user can cause and mend; its text says where it is and what to do."""


class UsageError(ParastanceError):
    """Wrong options, or nothing to do the work with."""


class ModelError(UsageError):
    """A model folder that is missing, broken, of another format, or whose bytes do not match its manifest."""


class DataError(ParastanceError):
    """Labelled data that cannot be used."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class InputError(ParastanceError):
    """An input, or one row of it, that cannot be labelled.

    place: the file, with `:row` where one row is meant; row: the 1-based row, or None for the whole file;
    raw: the row as it was read, so that it can be mended and run again; columns: those of the table, where raw is a line of it;
    delimiter: what parts them, where it is not the one of the table's format.
    """

    def __init__(
        self, place: str, reason: str, row: int | None = None, raw: object = None, columns: list[str] | None = None,
        delimiter: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(f"{place if row is None else f'{place}:{row}'}: {reason}")
        self.place = place
        self.reason = reason
        self.row = row
        self.raw = raw
        self.columns = columns
        self.delimiter = delimiter


class OutputError(ParastanceError):
    """The output cannot be written."""
