"""Labels to records: the dicts that are written, one a paragraph, as the contract has them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from parastance.predict.evidence import explain
from parastance.predict.model import Labels, Model, Unit

DIGITS = 4  # decimals of a probability


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
    records = [_record(model, unit, labels, index) for index, unit in enumerate(units)]
    if with_evidence:
        for unit, record in zip(units, records, strict=True):
            record["evidence"] = explain(model, unit, record)
    return records


def _record(model: Model, unit: Unit, labels: Labels, index: int) -> dict[str, Any]:
    record: dict[str, Any] = {"text": unit.text}
    abstained: list[str] = []

    def given(head: str) -> list[str]:
        names = model.heads[head].labels
        chosen = [name for name, yes in zip(names, labels.given[head][index], strict=True) if yes]
        sure = dict(zip(names, labels.certain[head][index], strict=True))
        if head != "kind":
            abstained.extend(name for name in chosen if not sure[name])
        return chosen

    def probabilities(head: str) -> dict[str, float]:
        values = labels.probabilities[head][index].tolist()
        return {name: round(value, DIGITS) for name, value in zip(model.heads[head].labels, values, strict=True)}

    if "kind" in model.heads:
        record["kind"] = given("kind")[0]
    if "topics" in model.heads:
        record["topics"] = given("topics")
        record["topic_probabilities"] = probabilities("topics")
    if "stance" in model.heads:
        record["stance"] = given("stance")[0]
        record["stance_probabilities"] = probabilities("stance")
        record["target"] = labels.targets[index]
        record["target_mentioned"] = bool(labels.named[index])
    record["abstained"] = abstained
    record["model"] = model.name
    return record


def merge(origin: Origin, record: dict[str, Any], keep_text: bool) -> dict[str, Any]:
    """Return the record with its origin's fields before and the input's other columns behind it; ours win by name."""
    if not keep_text:
        record = {key: value for key, value in record.items() if key != "text"}
    extra = {key: value for key, value in origin.extra.items() if key not in record and key not in origin.lead}
    return {**origin.lead, **record, **extra}
