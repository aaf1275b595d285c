"""Standard input and named pipes as files, so that they can be cut into parts, read again and compared."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from parastance.predict.destination import Destination
from parastance.predict.errors import InputError
from parastance.predict.inputs import STDIN, Source, open_bytes
from parastance.predict.recognise import is_pipe, recognised
from parastance.predict.storage import ASIDE, BLOCK, is_url, join, open_write, writing


@contextmanager
def rereadable(sources: Sequence[Source], output: Destination, text_field: str) -> Iterator[list[Source]]:
    """Give the sources with pipes copied to files, and with the format of those whose names show none.

    The copies lie in the run's folder, for an output in a store among this machine's temporary files, and are removed at the end.
    Raises OutputError where they cannot be written.
    """
    given, copies = list(sources), []
    try:
        for at, source in enumerate(sources):
            with suppress(InputError):  # reading it will say why
                if source.path == STDIN or is_pipe(source.path):
                    stream = open_bytes(replace(source, packing=""))
                    copies.append(_place(output, at))
                    with writing(output.path), open_write(copies[-1]) as copy:
                        shutil.copyfileobj(stream, copy, BLOCK)
                    given[at] = replace(source, path=copies[-1])
                given[at] = recognised(given[at], text_field)
        yield given
    finally:
        for path in copies:
            with suppress(OSError):
                os.unlink(path)


def _place(output: Destination, at: int) -> str:
    if not is_url(output.run):
        return join(output.run, f"input-{at}{ASIDE}")
    digest = hashlib.sha256(output.path.encode()).hexdigest()[:24]
    return os.path.join(tempfile.gettempdir(), f"parastance-{digest}-input-{at}{ASIDE}")
