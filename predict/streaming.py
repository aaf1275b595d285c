"""Records to standard output as the inputs are read, in this process; nothing is kept for another run."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from parastance.predict.chunks import Wanted, count_labels, label_items
from parastance.predict.errors import InputError
from parastance.predict.inputs import STDIN, Source, size_of
from parastance.predict.labelling import guarded
from parastance.predict.lines import label_lines, takes_lines
from parastance.predict.model import Model
from parastance.predict.outputs import LineWriter, Writer
from parastance.predict.progress import Reporter, Tally
from parastance.predict.recognise import recognised
from parastance.predict.units import Reading, read_units


def stream(model: Model, sources: Sequence[Source], reading: Reading, wanted: Wanted, writer: Writer, report: Reporter) -> Tally:
    """Label the sources in this process as they are read, in order, and write the records; return the tally."""
    tally = Tally(len(sources))
    report.start(size_of(sources), len(sources), table=not isinstance(writer, LineWriter))

    def straight(source: Source) -> bool:
        return takes_lines(model, source, ".jsonl" if isinstance(writer, LineWriter) else "", reading, wanted)

    known = (recognised(source, reading.text_field) if source.path == STDIN else source for source in sources)
    for by_lines, some in itertools.groupby(known, straight):
        label = _stream_lines if by_lines else _stream_units
        for paragraphs, labels, errors in label(model, some, reading, wanted, writer, report):
            report.rejects([str(error) for error in errors], len(errors))
            tally.paragraphs += paragraphs
            tally.rejected += len(errors)
            tally.labels.update(labels)
            report.note(0, paragraphs, len(errors))
            report.tick()
    writer.close()
    return tally


_Streamed = Iterator[tuple[int, Counter[str], list[InputError]]]  # paragraphs that were written, their labels, what was rejected


def _stream_units(
    model: Model, sources: Iterable[Source], reading: Reading, wanted: Wanted, writer: Writer, report: Reporter
) -> _Streamed:
    def items() -> Iterator[tuple[int, Any]]:
        for source in sources:
            for item in guarded(source, read_units(source, reading)):
                yield 0, item
            report.note(size_of([source]), 0, 0)

    for _, records, _, errors in label_items(model, items(), wanted):
        writer.write(records)
        labels: Counter[str] = Counter()
        count_labels(labels, records)
        yield len(records), labels, [error for _, error in errors]


def _stream_lines(
    model: Model, sources: Iterable[Source], reading: Reading, wanted: Wanted, writer: Writer, report: Reporter
) -> _Streamed:
    assert isinstance(writer, LineWriter)
    for source in sources:
        for found in label_lines(model, source, reading, wanted):
            writer.write_lines(found.lines)
            yield found.paragraphs, found.labels, found.errors
        report.note(size_of([source]), 0, 0)
