"""Labels to records: the dicts that are written, one a paragraph, as the contract has them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parastance.predict.model import Labels, Model, Unit

DIGITS = 4  # decimals of a probability
HEADS = (("topics", "topics", "topic"), ("stance", "stance", "stance"))  # name, its field, the start of the other one


Types = dict[str, Any] | None  # the Arrow types of a table's columns by name, where it has types


@dataclass(frozen=True)
class Origin:
    """Where a unit came from: the fields that lead its record, the input's own columns that follow it and their types, and the
    file and row to name where something is wrong with it."""

    lead: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    place: str = ""
    row: int | None = None
    types: Types = None


def labelled(model: Model, units: Sequence[Unit], with_evidence: bool = False) -> list[dict[str, Any]]:
    """Return one record a unit: text, labels, probabilities, target, abstentions, model name, evidence if asked for."""
    if not units:
        return []
    labels = model.decide(units)
    records = _records(model, units, labels)
    if with_evidence:
        from parastance.predict.evidence import explain

        for unit, record in zip(units, records, strict=True):
            record["evidence"] = explain(model, unit, record)
    return records


def record_fields(model: Model, keep_text: bool) -> list[str]:
    """Return the names of a record's own fields, but for those that name a document and the evidence."""
    fields = ["text"] * keep_text + ["kind"] * ("kind" in model.heads)
    for head, plural, singular in HEADS:
        fields += [plural, f"{singular}_probabilities"] if head in model.heads else []
    return [*fields, *(["target", "target_mentioned"] if "stance" in model.heads else []), "abstained", "model"]


def _records(model: Model, units: Sequence[Unit], labels: Labels) -> list[dict[str, Any]]:
    """Return the records of some units; arrays become lists once for all of them, which is most of the time saved."""
    names = {head: rule.labels for head, rule in model.heads.items()}
    given = {head: labels.given[head].tolist() for head in names}
    sure = {head: labels.certain[head].tolist() for head in names}
    shares = {head: np.round(labels.probabilities[head], DIGITS).tolist() for head in names if head != "kind"}
    named = labels.named.tolist()
    records = []
    for at, unit in enumerate(units):
        record: dict[str, Any] = {"text": unit.text}
        abstained: list[str] = []
        if "kind" in names:
            record["kind"] = names["kind"][given["kind"][at].index(True)]
        for head, plural, singular in HEADS:
            if head not in names:
                continue
            chosen = [place for place, yes in enumerate(given[head][at]) if yes]
            found = [names[head][place] for place in chosen]
            abstained += [names[head][place] for place in chosen if not sure[head][at][place]]
            record[plural] = found if head == "topics" else found[0]
            record[f"{singular}_probabilities"] = dict(zip(names[head], shares[head][at], strict=True))
        if "stance" in names:
            record["target"] = labels.targets[at]
            record["target_mentioned"] = named[at]
        record["abstained"] = abstained
        record["model"] = model.name
        records.append(record)
    return records


def merge(origin: Origin, record: dict[str, Any], keep_text: bool) -> dict[str, Any]:
    """Return the record with its origin's fields before and the input's other columns behind it; ours win by name."""
    if not keep_text:
        record = {key: value for key, value in record.items() if key != "text"}
    extra = {key: value for key, value in origin.extra.items() if key not in record and key not in origin.lead}
    return {**origin.lead, **record, **extra}
