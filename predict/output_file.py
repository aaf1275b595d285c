"""One file of records that are made here and now: it appears under its name only when it is whole."""

import tempfile
from collections.abc import Iterable
from types import TracebackType

from parastance.predict.bodies import SPOOLED, Hashed, assemble, body_of
from parastance.predict.destination import destination
from parastance.predict.errors import UsageError
from parastance.predict.outputs import Record
from parastance.predict.storage import whole, writing


class OutputFile:
    """A file for records, of the format that its name ends in. Use it in a `with` statement.

    Raises UsageError where the ending is unknown, OutputError where the place cannot be written.
    """

    def __init__(self, path: str) -> None:
        self.output = destination(path, ())
        if self.output.folder:
            raise UsageError(f"-o {path}: the ending must be .jsonl, .csv, .tsv or .parquet")
        self.spool = tempfile.SpooledTemporaryFile(SPOOLED)  # noqa: SIM115
        self.body = body_of(self.output.form, self.spool)

    def __enter__(self) -> "OutputFile":
        return self

    def write(self, records: Iterable[Record]) -> None:
        """Add records."""
        rows = list(records)
        self.body.write(rows, [None] * len(rows))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            return
        path = self.output.path
        with writing(path):
            info = self.body.finish()
            self.spool.seek(0)
            with whole(path) as stream:
                assemble(self.output.form, [info], [lambda: self.spool], Hashed(stream))
