"""Two runs of `predict` read and compared: files in, a `Drift` out."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from parastance.predict.errors import ModelError
from parastance.predict.inputs import Row
from parastance.predict.model import load
from parastance.train.drift import Drift, compare
from parastance.train.question import Question, Reader
from parastance.train.results import read_results
from parastance.train.summary import Summary
from parastance.train.tally import Labels
from parastance.train.terms import known_words

FEW_DOCUMENTS = 10
SOURCES = ("outlet", "source", "publisher", "domain", "site", "set")  # columns that are looked for where none is named


@dataclass(frozen=True)
class Asked:
    """How two runs are compared. by: columns of sources; model, store: whose words are the known ones."""

    by: tuple[str, ...] = ()
    cluster: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    model: str | None = None
    store: str | None = None


def drift(old: Sequence[str], new: Sequence[str], asked: Asked, seed: int = 0, progress: Any = None) -> Drift:
    """Return what changed from the runs in `old` to those in `new`.

    Raises UsageError where an input is missing or holds no records, DataError for a broken row, ModelError for a model that was
    named and cannot be read.
    """
    notes: list[str] = []
    known = _known(asked, notes)
    by = asked.by or _sources(old, new)
    labels = Labels()
    summaries, readers = [], []
    for inputs in (old, new):
        reader = Reader(Question(by, None, asked.cluster, asked.where))
        rows = _counted(reader.read(inputs, ("text", "abstained")), progress)
        summaries.append(Summary(labels, known, by).read(rows, lambda reader=reader: reader.cluster))
        readers.append(reader)
    found = compare(summaries[0], summaries[1], seed)
    found.notes = [*notes, *_notes(found, readers, by)]
    return found


def _known(asked: Asked, notes: list[str]) -> frozenset[str] | None:
    try:
        model = load(asked.model, asked.store)
        return known_words(model.folder, model.registry) if model.folder else None
    except ModelError as error:
        if asked.model or asked.store:
            raise
        notes.append(f"no unknown-term rate: {error}")
        return None


def _sources(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Return the column of sources that both runs have, if any."""
    first = [next(iter(itertools.islice(read_results(inputs), 1)), {}) for inputs in (old, new)]
    return tuple(itertools.islice((name for name in SOURCES if all(name in row for row in first)), 1))


def _counted(rows: Iterator[tuple[Row, tuple[Any, ...]]], progress: Any) -> Iterator[tuple[Row, tuple[Any, ...]]]:
    for at, row in enumerate(rows, 1):
        if progress is not None and at % 1000 == 0:
            progress.update(1000)
        yield row


def _notes(found: Drift, readers: Sequence[Reader], by: tuple[str, ...]) -> list[str]:
    notes = []
    models = [sorted(reader.models) for reader in readers]
    if models[0] != models[1] and all("" not in each for each in models):
        notes.append(
            f"the runs were labelled by different models ({', '.join(models[0])} and {', '.join(models[1])}): what changed may "
            "be the model, not the news; label both with one model to tell them apart"
        )
    apart = sorted(found.old.heads ^ found.new.heads)
    if apart:
        notes.append(f"only one run has {' and '.join(apart)}: not compared")
    targets = [sorted(reader.targets) for reader in readers]
    if targets[0] != targets[1] and "stance" not in apart:
        notes.append(f"the runs have different targets of the stance ({', '.join(targets[0])} and {', '.join(targets[1])})")
    if not (found.old.texts and found.new.texts):
        without = "both runs hold" if not (found.old.texts or found.new.texts) else "one run holds"
        notes.append(
            f"{without} no text (--no-text): vocabulary, unknown terms and driving terms cannot be compared; shares, scores and "
            "sources can"
        )
    fewest = min(run.documents.documents() for run in (found.old, found.new))
    if fewest < FEW_DOCUMENTS:
        notes.append(f"one run has {fewest:,.0f} document{'s' * (fewest != 1)} only: hardly any change can be told from chance")
    clusters = [reader.cluster for reader in readers]
    if None in clusters:
        notes.append("no column names the documents: each record is taken as one, which makes chance look smaller than it is "
                     "where records share articles (--cluster NAME)")  # fmt: skip
    elif clusters[0] != clusters[1]:
        notes.append(f"documents are named by `{clusters[0]}` in the old run and by `{clusters[1]}` in the new one")
    if not by:
        notes.append("no column of sources was found: name one with --by to see which drive a change")
    small = min(len(summary.documents.rows) for summary in (found.old, found.new))
    if small < 10:
        notes.append(f"one run has only {small} documents: little can be told from chance")
    return notes
