"""Chunks of units through a model: records, and a unit that cannot be labelled costs no other."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from parastance.predict.decode import GUESSED
from parastance.predict.errors import InputError, ParastanceError
from parastance.predict.model import CHUNK, Model, Unit
from parastance.predict.outputs import Record
from parastance.predict.records import Origin, labelled, merge

Item = tuple[Unit, Origin] | InputError


@dataclass(frozen=True)
class Wanted:
    """What records are to hold."""

    explain: bool = False
    keep_text: bool = True
    tabular: bool = False  # every record has the same columns, `encoding` among them


def label_items(
    model: Model, items: Iterable[tuple[int, Item]], wanted: Wanted
) -> Iterator[tuple[list[int], list[Record], list[Any], list[tuple[int, InputError]]]]:
    """Yield, chunk by chunk, (the places of the records, the records, the Arrow types of their columns, what was rejected).

    An item comes with a place of the caller's. An item that cannot be labelled by itself either is rejected.
    """
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, CHUNK)):
        good = [(at, item) for at, item in chunk if not isinstance(item, InputError)]
        errors = [(at, item) for at, item in chunk if isinstance(item, InputError)]
        try:
            records = label_chunk(model, [item for _, item in good], wanted)
        except ParastanceError:
            raise
        except Exception:  # whatever it is, it must not cost the other rows
            good, records, failed = _one_by_one(model, good, wanted)
            errors += failed
        yield [at for at, _ in good], records, [origin.types for _, (_, origin) in good], errors


def _one_by_one(
    model: Model, items: list[tuple[int, tuple[Unit, Origin]]], wanted: Wanted
) -> tuple[list[tuple[int, tuple[Unit, Origin]]], list[Record], list[tuple[int, InputError]]]:
    kept, records, errors = [], [], []
    for at, (unit, origin) in items:
        try:
            records += label_chunk(model, [(unit, origin)], wanted)
            kept.append((at, (unit, origin)))
        except ParastanceError:
            raise
        except Exception as error:
            reason = f"labelling it failed twice: {type(error).__name__}: {error}"
            errors.append((at, InputError(origin.place, reason, origin.row, {**origin.lead, "text": unit.text, **origin.extra})))
    return kept, records, errors


def unreadable(place: str, error: Exception) -> InputError:
    """Return the reject for an input whose reading ended in an exception that nobody was prepared for."""
    return InputError(place, f"reading it failed: {type(error).__name__}: {error}")


def label_chunk(model: Model, items: list[tuple[Unit, Origin]], wanted: Wanted) -> list[Record]:
    """Return the finished records of some units: a pure function of the model and the units."""
    records = labelled(model, [unit for unit, _ in items], wanted.explain)
    merged = [merge(origin, record, wanted.keep_text) for (_, origin), record in zip(items, records, strict=True)]
    if wanted.tabular:
        for record in merged:
            record.setdefault(GUESSED, None)
    return merged


def count_labels(labels: Counter[str], records: list[Record]) -> None:
    """Count the labels of some records."""
    for record in records:
        if record.get("kind") == "boilerplate":
            labels["boilerplate"] += 1
            continue
        labels.update(record.get("topics", ()))
        if "stance" in record:
            labels[record["stance"]] += 1
