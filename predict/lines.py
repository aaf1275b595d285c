"""JSON Lines to JSON Lines by the compiled kernel: rows read, scored and written without a Python object a row.

What it writes is what `units`, `chunks` and `bodies` write; rows that are in any way unusual are left to them, one by one.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from parastance.predict.blocks import ORDER as HEADS
from parastance.predict.bodies import line_of
from parastance.predict.chunks import Item, Wanted, count_labels, label_items, unreadable
from parastance.predict.errors import InputError, ParastanceError
from parastance.predict.inputs import Source, line_blocks
from parastance.predict.judging import rules_of
from parastance.predict.kernel import kernel_module
from parastance.predict.model import Model
from parastance.predict.records import record_fields
from parastance.predict.rejects import REJECTS
from parastance.predict.rows import first_line, json_row
from parastance.predict.units import Reading, no_rows, row_units

ROWS = 2000  # read, scored and written at once; 500 took 4% longer, 8000 left the processor's cache
Left = tuple[int, int, int, int]  # rows before it that are not left to Python, its number, start and end in the block


@runtime_checkable
class Lender(Protocol):
    """Has room that lines can be put into, instead of being copied there."""

    def lend(self, size: int) -> memoryview | None:
        """Return room for so many bytes, None where there is not as much."""

    def keep(self, size: int) -> None:
        """Take over so many bytes from the beginning of the room lent last."""


@dataclass
class LabelledLines:
    """Lines of the output, but for those that a lender has, and what is to be told of all.

    labels: counts, in the order in which they were first met.
    """

    lines: bytes | bytearray = b""
    paragraphs: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    errors: list[InputError] = field(default_factory=list)


def takes_lines(model: Model, source: Source, form: str, reading: Reading, wanted: Wanted) -> bool:
    """Return whether `label_lines` does a source's rows: JSON Lines to JSON Lines, a row a paragraph, without evidence."""
    return (
        source.format == ".jsonl" == form
        and not (reading.documents or wanted.explain or source.name.endswith(REJECTS))
        and reading.text_field != reading.id_field
        and set(model.heads) <= {"kind", "topics", "stance"}
        and type(model).decide is Model.decide
        and kernel_module() is not None
        and not model.blocks.written
    )


def label_lines(
    model: Model, source: Source, reading: Reading, wanted: Wanted, lender: Lender | None = None
) -> Iterator[LabelledLines]:
    """Yield the lines for a source's rows, some rows at a time; a bad source is one error."""
    labeller = _Labeller(model, source, reading, wanted, lender)
    before = source.slice.row if source.slice else 0
    rows = source.slice is not None
    line = before + 1
    try:
        for block in line_blocks(source):
            if line == 1:
                first_line(source, block[:16])
            at = 0
            while at < len(block):
                start, first = at, line
                given, at, line, left = labeller.reader.read(block, at, line, ROWS)
                try:
                    found = labeller.label(block, given, left)
                except ParastanceError:
                    raise
                except Exception:  # whatever it is, it must not cost the other rows
                    found = labeller.label_left(block, start, at, first)
                rows = rows or found.paragraphs + len(found.errors) > 0
                yield found
        if not rows:
            raise no_rows(source)
    except InputError as error:
        yield LabelledLines(errors=[error])
    except ParastanceError:
        raise
    except Exception as error:
        yield LabelledLines(errors=[unreadable(source.name, error)])


class _Labeller:
    """Labels rows of one source that the kernel has read."""

    def __init__(self, model: Model, source: Source, reading: Reading, wanted: Wanted, lender: Lender | None = None) -> None:
        self.model, self.source, self.reading, self.wanted, self.lender = model, source, reading, wanted, lender
        fields = (name.encode() for name in ("id", *record_fields(model, wanted.keep_text)))
        name = _json(f"{source.name}#")[:-1]
        answers = _answers(model, reading.target or model.registry.default, wanted.keep_text)
        self.reader = kernel_module().Lines(reading.text_field.encode(), reading.id_field.encode(), name, tuple(fields), answers)
        heads = [model.heads[head].labels for head in HEADS if head in model.heads]
        self.labels = [label for labels in heads for label in labels]
        self.kinds = len(model.heads["kind"].labels) if "kind" in model.heads else 0

    def label(self, block: bytes, given: int, left: Sequence[Left]) -> LabelledLines:
        """Return the lines for the rows that were read last."""
        found = LabelledLines()
        others, firsts = self._left(block, left, found)
        scores, flags = self.model.score_lines(self.reader, given, self.reading.target)
        lines, counts = self.reader.write(scores, flags, tuple(others), self.lender and self.lender.lend)
        self._count(counts, firsts, found)
        found.paragraphs += given
        if self.lender is not None and isinstance(lines, int):
            self.lender.keep(lines)
        else:
            found.lines = lines
        return found

    def label_left(self, block: bytes, start: int, stop: int, number: int) -> LabelledLines:
        """Return the lines for all rows of a part of the block, each left to Python."""
        found = LabelledLines()
        left: list[Left] = []
        while start < stop:
            end = block.find(b"\n", start, stop) + 1 or stop
            left.append((0, number + len(left), start, end))
            start = end
        found.lines = b"".join(self._left(block, left, found)[0])
        return found

    def _left(self, block: bytes, left: Sequence[Left], found: LabelledLines) -> tuple[list[bytes], dict[str, tuple[int, int]]]:
        """Return (the lines for the rows left to Python, for each label the first of these rows)."""
        items: list[tuple[int, Item]] = []
        for index, (_, number, start, stop) in enumerate(left):
            line = block[start:stop].removesuffix(b"\n").removesuffix(b"\r")
            line = first_line(self.source, line) if number == 1 else line
            if not line.strip():
                continue
            row = json_row(self.source, number, line)
            units = [row] if isinstance(row, InputError) else row_units(self.source, number, row, self.reading)
            items += [(index, item) for item in units]
        others = [b""] * len(left)
        firsts: dict[str, tuple[int, int]] = {}
        for places, records, _, errors in label_items(self.model, items, self.wanted):
            found.errors += [error for _, error in errors]
            found.paragraphs += len(records)
            for index, record in zip(places, records, strict=True):
                others[index] += line_of(record).encode()
                mine: Counter[str] = Counter()
                count_labels(mine, [record])
                for label in mine:
                    firsts.setdefault(label, (left[index][0], len(firsts)))
                found.labels.update(mine)
        return others, firsts

    def _count(self, counts: Sequence[tuple[int, int]], firsts: dict[str, tuple[int, int]], found: LabelledLines) -> None:
        """Add the labels of the rows that were not left to Python, in the order in which all are met; see `count_labels`.

        counts: of each label of each head, how often it was given and in which of these rows first.
        """
        totals, met = found.labels.copy(), {label: (row, -1, at) for label, (row, at) in firsts.items()}
        for at, (label, (count, first)) in enumerate(zip(self.labels, counts, strict=True)):
            if count and (at >= self.kinds or label == "boilerplate"):
                totals[label] += count
                met[label] = min(met.get(label, (first, 0, at)), (first, 0, at))
        found.labels = Counter({label: totals[label] for label in sorted(met, key=lambda name: met[name])})


def _answers(model: Model, target: str, keep_text: bool) -> tuple[Any, ...]:
    """Return what the kernel must know of a model's answers to write them."""
    heads = rules_of(model.heads, model.blocks, _json)
    boilerplate = model.boilerplate if "kind" in model.heads else 0
    return _json(target), _json(model.name), keep_text, model.blocks.width, boilerplate, *heads


def _json(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()
