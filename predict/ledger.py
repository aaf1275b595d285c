"""What a run has done, kept on the disk: one record a part, written when the part's output is safe.

The run folder also holds what is not whole yet, and the lock that keeps a second run away.
"""

import hashlib
import itertools
import json
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from parastance.predict.destination import OPTIONS, Destination
from parastance.predict.errors import OutputError, UsageError
from parastance.predict.labelling import Done
from parastance.predict.lock import lock_path
from parastance.predict.part_record import Record, holds, key_of, record_of
from parastance.predict.parts import Part
from parastance.predict.spool import BODIES, Beginning
from parastance.predict.spooled import Digests, beginning, is_spooled, open_spooled
from parastance.predict.storage import (
    ASIDE,
    commit,
    exists,
    is_url,
    join,
    listing,
    make_folder,
    open_read,
    parent,
    read_whole,
    remove,
    sha256_of,
    stat,
    write_whole,
    writing,
)  # fmt: skip

BEFORE = "before.json"  # the manifest of the finished run whose folder is written anew
LOCK = "lock"
RECORD, BODY, REJECTS = ".json", ".body", ".rejects"


class Ledger:
    """The records of one output's run. Use it in a `with` statement, which holds the lock.

    options: all that decides what is written. Raises OutputError where another run holds the lock or the place cannot be
    written, UsageError where an unfinished run is there that must not be dropped or was started with other options.
    """

    def __init__(self, output: Destination, options: dict[str, Any], resume: bool) -> None:
        self.output = output
        self.options = json.loads(json.dumps(options))
        self.resume = resume
        self.records: dict[str, Record] = {}
        self.earlier: Record | None = None  # the manifest of a finished run with the same options
        self.lock: IO[bytes] | None = None
        self.made = False
        self.known: set[str] = set()  # names of parts that earlier runs wrote
        self.digests = Digests()

    def __enter__(self) -> "Ledger":
        try:
            self._begin()
        except OSError as error:
            if self.lock is not None and not self._recorded():
                remove(self.output.run)
            self._release()
            raise OutputError(f"{self.output.path}: cannot be written: {error.strerror or error}") from None
        except BaseException:
            self._release()
            raise
        return self

    def _begin(self) -> None:
        run, output = self.output.run, self.output
        if output.folder and not exists(join(run, OPTIONS)) and not exists(output.manifest):
            foreign = [name for name in listing(output.path) if name != Path(run).name and not name.startswith(".")]
            if foreign:
                raise UsageError(f"-o {output.path}: holds {foreign[0]}, which no run wrote; name a new or empty folder")
        self.made = output.folder and not exists(output.path)
        make_folder(run)
        self.lock = self._locked()
        unfinished = exists(join(run, OPTIONS))
        if unfinished:
            self._go_on()
        else:
            self._earlier(output.manifest)
        self._sweep()

    def _locked(self) -> IO[bytes]:
        """Return the open file that holds the lock.

        A store that is no file system has no locks: there the lock keeps runs of this machine apart.
        """
        path = join(self.output.run, LOCK)
        if is_url(path):
            name = hashlib.sha256(self.output.path.encode()).hexdigest()[:24]
            path = join(tempfile.gettempdir(), f"parastance-{name}.lock")
        found = lock_path(path)
        if found is None:
            raise OutputError(f"{self.output.path}: another run is writing it; wait for it, or name another output")
        return found

    def begin(self) -> None:
        """Say on the disk that a run is under way. Raises OutputError where that cannot be written."""
        run, output = self.output.run, self.output
        with writing(output.path):
            if not exists(join(run, OPTIONS)):
                for name in listing(run):
                    if name != LOCK and not name.endswith(ASIDE):
                        remove(join(run, name))
                write_whole(join(run, OPTIONS), json.dumps(self.options).encode())
            if output.folder and exists(output.manifest):
                commit(output.manifest, join(run, BEFORE))

    def remove_stale(self, names: set[str]) -> None:
        """Remove from the output folder the parts of earlier plans that are in none of `names`."""
        if not self.output.folder:
            return
        for name in self.known - names:
            remove(self.output.part(name))

    def is_whole(self, parts: Iterable[Part]) -> bool:
        """Whether the finished output of an earlier run is what these parts would give: the same inputs, the output there."""
        assert self.earlier is not None
        rejected = any(record["rejected"] for record in self.earlier["parts"])
        if not _is_there(self.output.path, self.earlier["output"]) or exists(self.output.rejects) != rejected:
            return False
        both = zip_longest(parts, self.earlier["parts"])
        return all(part is not None and record is not None and holds(record, part) for part, record in both)

    def _go_on(self) -> None:
        run = self.output.run
        names = self._recorded()
        if not self.resume:
            raise UsageError(
                f"-o {self.output.path}: an earlier run was not finished, {len(names):,} parts of it are done; "
                f"--resume goes on with it, deleting {run} starts afresh"
            )
        try:
            before = dict(json.loads(read_whole(join(run, OPTIONS))))
        except (ValueError, TypeError):
            raise UsageError(f"{join(run, OPTIONS)}: is damaged; delete {run} to start afresh") from None
        other = next((name for name in {**before, **self.options} if before.get(name) != self.options.get(name)), None)
        if other is not None:
            raise UsageError(
                f"-o {self.output.path}: the unfinished run had another {other}: {json.dumps(before.get(other))}; "
                f"go on with that, or delete {run} to start afresh"
            )
        self._earlier(join(run, BEFORE) if exists(join(run, BEFORE)) else self.output.manifest)
        for name in names:
            with suppress(ValueError, KeyError, TypeError):
                record = json.loads(read_whole(join(run, name)))
                self.records[record["key"]] = record
        self.known |= {record["name"] for record in self.records.values()}

    def _recorded(self) -> list[str]:
        return [name for name in listing(self.output.run) if name.endswith(RECORD) and name not in (OPTIONS, BEFORE)]

    def _earlier(self, path: str) -> None:
        """Take over from the manifest of a finished run what is still of use."""
        if not exists(path):
            return
        with suppress(ValueError, KeyError, TypeError):
            manifest = json.loads(read_whole(path))
            self.known |= {record["name"] for record in manifest["parts"]}
            if self.resume and manifest["options"] == self.options:
                self.earlier = manifest
                if self.output.folder:
                    self.records = {record["key"]: record for record in manifest["parts"] if not record["rejected"]}

    def _sweep(self) -> None:
        """Remove what was written aside and never became whole."""
        kept = {record["info"]["file"] for record in self.records.values() if is_spooled(record)}
        for name in listing(self.output.run):
            if name.endswith(ASIDE) or (name.endswith(BODIES) and name not in kept):
                with suppress(OSError):
                    remove(join(self.output.run, name))

    def body(self, part: Part) -> str:
        """Return where the output of a part lies."""
        return self.output.part(part.name) if self.output.folder else join(self.output.run, key_of(part) + BODY)

    def rejects(self, key: str) -> str:
        """Return where the rejects of a part lie."""
        return join(self.output.run, key + REJECTS)

    def open_body(self, part: Part) -> Any:
        """Open the output of a part that is done, to read it. Raises OSError."""
        record = self.records[key_of(part)]
        return open_spooled(self.output.run, record) if is_spooled(record) else open_read(self.body(part))

    def has(self, part: Part) -> bool:
        """Whether a part is done: recorded, its inputs as they were, its output there."""
        record = self.records.get(key_of(part))
        if record is None:
            return False
        if not (self.digests.hold(self.output.run, record) if is_spooled(record) else _is_there(self.body(part), record)):
            return False
        if record["rejected"] and not exists(self.rejects(record["key"])):
            return False
        return holds(record, part)

    def beginning(self, parts: Sequence[Part], done: set[str]) -> Beginning | None:
        """Return what earlier runs wrote of the first parts, where it lies in one file, which then can be gone on with.

        parts: those of the plan that were looked at so far; done: keys of those that are done.
        """
        first = [self.records[key] for key in itertools.takewhile(done.__contains__, map(key_of, parts))]
        return beginning(self.output.run, first, self.records.values(), self.digests)

    def add(self, part: Part, done: Done) -> None:
        """Record a part as done, its output in place. Raises OSError."""
        record = record_of(part, done)
        key, body = record["key"], self.body(part)
        if self.output.folder:
            make_folder(parent(body))
        if done.rejects is not None:
            commit(done.rejects, self.rejects(key), sync=False)
        elif key in self.records:
            remove(self.rejects(key))
        if done.aside is not None:
            commit(done.aside, body, sync=self.output.folder)
        sync = not is_spooled(record)  # its body is not on the disk yet either, and a record that the disk loses is a part to do
        write_whole(join(self.output.run, key + RECORD), json.dumps(record).encode(), sync)
        self.records[key] = record

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave what a later run can go on with; where that is nothing, leave nothing."""
        run = self.output.run
        with suppress(OSError):
            self._sweep()
            finished = kind is None
            if finished or not self._recorded():
                if not finished and exists(join(run, BEFORE)):
                    commit(join(run, BEFORE), self.output.manifest)
                remove(join(run, OPTIONS))  # first: without it the rest is rubbish, whatever of it is left
                remove(run)
                if self.made and not finished and not listing(self.output.path):
                    remove(self.output.path)
        self._release()

    def _release(self) -> None:
        if self.lock is not None:
            self.lock.close()
            self.lock = None


def _is_there(path: str, facts: Record) -> bool:
    """Whether a file is what was written: of that size and, where that costs no transfer, of that digest."""
    try:
        return stat(path)[0] == facts["bytes"] and (is_url(path) or sha256_of(path) == facts["sha256"])
    except OSError:
        return False
