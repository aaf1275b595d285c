"""One file of JSON Lines put together while later parts are still labelled by other processes."""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from parastance.predict.bodies import Hashed
from parastance.predict.ledger import Ledger
from parastance.predict.part_record import key_of
from parastance.predict.parts import Part
from parastance.predict.storage import ASIDE, BLOCK, close_synced, commit, join, open_write


class Growing:
    """The beginning of an output: the bodies of its first parts. What is not finished is made anew from the bodies."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.path = ledger, join(ledger.output.run, f"growing{ASIDE}")
        self.out: Hashed | None = None
        self.keys: list[str] = []

    def take(self, parts: Sequence[Part], done: set[str]) -> None:
        """Add the bodies that come next; parts: the plan so far, in order; done: keys of what is done. Raises OSError."""
        while len(self.keys) < len(parts) and (key := key_of(parts[len(self.keys)])) in done:
            if self.out is None:
                self.out = Hashed(open_write(self.path))
            with self.ledger.open_body(parts[len(self.keys)]) as stream:
                shutil.copyfileobj(stream, self.out, BLOCK)
            self.keys.append(key)

    def finish(self, parts: Sequence[Part], path: str) -> dict[str, Any] | None:
        """Give the file its name if it holds all parts; return its size and digest, else None. Raises OSError."""
        if self.out is None or self.keys != [key_of(part) for part in parts]:
            return None
        close_synced(self.out.stream)
        commit(self.path, path)
        return {"bytes": self.out.size, "sha256": self.out.digest.hexdigest()}

    def drop(self) -> None:
        """Begin anew: the plan has changed, or the run ends."""
        if self.out is not None:
            with suppress(OSError):
                self.out.stream.close()
        self.out, self.keys = None, []
