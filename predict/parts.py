"""What there is to do, cut into parts: each a few small inputs or a slice of a large one (see `slices`), labelled independently.

The plan depends on the inputs and the size of a part alone, never on how many workers there are.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from parastance.predict.inputs import TABLES, Source
from parastance.predict.slices import Piece, survey

PART_SIZE = 8 << 20  # bytes of input: a fraction of a second to some seconds of work, so that a kill costs little
GROUP = "part"  # the name of parts that hold several documents


@dataclass(frozen=True)
class Part:
    """Some pieces to be labelled together. name: of its output below the output folder, without an ending; crashed: the
    places of the pieces that are to be rejected because labelling them ended the worker, with the reason."""

    name: str
    pieces: tuple[Piece, ...]
    crashed: tuple[tuple[int, str], ...] = ()

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(piece.size for piece in self.pieces)


def plan(
    sources: Iterable[Source], text_field: str, size: int = PART_SIZE, apart: bool = False, tapered: bool = False
) -> Iterator[Part]:
    """Yield the parts that the sources make, in order, none larger than `size` bytes where it can be cut.

    apart: tables are not put together with other inputs, nor documents of different folders, and parts are named after them;
    tapered: see `slices.survey`, for outputs in which slices leave no trace.
    """
    names = _Names()
    waiting: list[Piece] = []
    key: object = None

    def group() -> Iterator[Part]:
        if waiting:
            yield Part(names.group(waiting[0].source) if apart else "", tuple(waiting))
            waiting.clear()

    for source in sources:
        pieces = survey(source, text_field, size, tapered)
        first = list(itertools.islice(pieces, 2))
        several = len(first) > 1
        alone = several or (apart and source.format in TABLES)
        found = PurePosixPath(source.name).parent if apart else None
        if waiting and (alone or found != key or sum(piece.size for piece in waiting) + first[0].size > size):
            yield from group()
        key = found
        if not alone:
            waiting.extend(first)
            continue
        stem = names.table(source) if apart else ""
        for index, piece in enumerate(itertools.chain(first, pieces)):
            yield Part(f"{stem}-{index:05d}" if apart and several else stem, (piece,))
    yield from group()


class _Names:
    """Names for the parts' files, each given once."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.groups: dict[str, int] = {}

    def table(self, source: Source) -> str:
        path = PurePosixPath(source.name)
        bare = path.name.lower().removesuffix(source.packing).removesuffix(source.format)
        bare = path.name[: len(bare)] or path.name
        choices = [str(path.with_name(bare)), str(path), *(f"{path}~{number}" for number in range(2, len(self.taken) + 3))]
        name = next(choice for choice in choices if choice not in self.taken)
        self.taken.add(name)
        return name

    def group(self, source: Source) -> str:
        folder = str(PurePosixPath(source.name).parent)
        while True:
            number = self.groups.get(folder, 0)
            self.groups[folder] = number + 1
            name = str(PurePosixPath(folder) / f"{GROUP}-{number:05d}")
            if name not in self.taken:
                self.taken.add(name)
                return name
