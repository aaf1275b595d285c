"""Where a run's output goes: one file or a folder of parts, and what lies beside it.

That is the rejects, the manifest and, until all is done, the run's own folder.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from parastance.predict.errors import OutputError, UsageError
from parastance.predict.inputs import Source, format_of
from parastance.predict.storage import exists, is_folder, is_url, join, name_of, parent

FORMS = (".jsonl", ".csv", ".tsv", ".parquet")
MANIFEST = "_manifest.json"
RUN = "_run"
OPTIONS = "options.json"  # in the run's folder: what the run was started with


@dataclass(frozen=True)
class Destination:
    """An output. path: without a slash at its end; form: the format (an ending); folder: whether it is a folder of parts."""

    path: str
    form: str
    folder: bool

    @property
    def rejects(self) -> str:
        """The file of what could not be labelled."""
        return f"{self.path}.rejects.jsonl"

    @property
    def manifest(self) -> str:
        """The file that says what was read, with which model, and what was written."""
        return join(self.path, MANIFEST) if self.folder else f"{self.path}.manifest.json"

    @property
    def run(self) -> str:
        """The folder that holds the ledger and what is not yet whole, until the run is finished."""
        return join(self.path, RUN) if self.folder else join(parent(self.path), f".{name_of(self.path)}.run")

    def part(self, name: str) -> str:
        """Return the path of a part's file in the folder."""
        return join(self.path, name + self.form)


def destination(given: str, sources: Sequence[Source]) -> Destination:
    """Return the destination that `-o` names.

    A slash at the end, an existing folder or a name without an ending is a folder of parts; their format is the one that the
    folder's name ends in, else Parquet where all inputs are, else JSON Lines. Raises UsageError where the ending is unknown,
    OutputError where a folder is in the way.
    """
    if given in ("", "-"):
        raise UsageError(f"-o {given!r}: names no file; without -o records go to standard output")
    path = given.rstrip("/" if is_url(given) else "/" + os.sep) or given
    form, packing = format_of(name_of(path))
    known = form in FORMS and not packing
    slash = path != given
    if known and not slash and is_folder(given):
        raise OutputError(f"{given}: is a folder; name a file in it, or {given}/ for a folder of parts")
    folder = slash or is_folder(given) or (not known and not PurePosixPath(name_of(path)).suffix)
    if not folder and not known:
        raise UsageError(f"-o {given}: the ending must be .jsonl, .csv, .tsv or .parquet, or / for a folder of parts")
    if not known:
        form = ".parquet" if sources and all(source.format == ".parquet" for source in sources) else ".jsonl"
    found = Destination(path, form, folder)
    for file in (found.rejects, found.manifest):
        if is_folder(file):
            raise OutputError(f"{file}: cannot be replaced: it is a folder")
    if not folder and not is_url(path) and not os.path.isdir(os.path.dirname(path) or "."):
        raise OutputError(f"{path}: cannot be written: there is no folder {os.path.dirname(path)}")
    if folder and not is_url(path) and os.path.exists(path) and not os.path.isdir(path):
        raise OutputError(f"{path}: cannot be written: it is a file, whose name ends in none of {', '.join(FORMS)}")
    return found


def without_outputs(inputs: Sequence[str], sources: Sequence[Source], output: Destination) -> list[Source]:
    """Return the sources without what an earlier run of the same output left among the files of a folder or glob.

    Raises UsageError where the output would overwrite an input, or lies in a folder of inputs.
    """
    ours = [output.rejects, output.manifest, *([] if output.folder else [output.path])]
    taken = {_real(path): path for path in ours}
    named = {_real(given) for given in inputs}
    earlier = exists(output.manifest) or exists(join(output.run, OPTIONS))
    kept = []
    for source in sources:
        real = _real(source.path)
        if real in taken and earlier and real not in named:
            continue
        if real in taken:
            raise UsageError(f"-o {output.path}: would overwrite {taken[real]}, which is an input; name another output")
        if output.folder and real.startswith(_real(output.path) + "/"):
            raise UsageError(f"-o {output.path}: {source.path} in it is an input; name another folder")
        kept.append(source)
    for given in inputs:
        if output.folder and is_folder(given) and f"{_real(output.path)}/".startswith(_real(given) + "/"):
            raise UsageError(f"-o {output.path}: lies in {given}, which is an input; name a folder outside of it")
    if sources and not kept:
        raise UsageError(f"-o {output.path}: there is no input but this output itself")
    return kept


def _real(path: str) -> str:
    return path.rstrip("/") if is_url(path) else os.path.realpath(path)
