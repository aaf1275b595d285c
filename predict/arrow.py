"""Arrow record batches in, record batches out: the way into Spark, Ray, Polars and pandas.

Needs pyarrow, which it imports only when it is called.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from parastance.predict.model import Unit, chunks
from parastance.predict.records import labelled

if TYPE_CHECKING:
    from parastance.predict.model import Model


def output_schema(model: "Model", given: Any, text_field: str) -> Any:
    """Return the Arrow schema of the labelled batches: the given columns, then the record's fields in their order."""
    import pyarrow as pa

    fields = _ours(model)
    ours = {name for name, _ in fields}
    return pa.schema([field for field in given if field.name not in ours or field.name == text_field] + fields)


def _ours(model: "Model") -> list[tuple[str, Any]]:
    """Return name and Arrow type of the fields that labelling adds."""
    import pyarrow as pa

    text, names = pa.string(), pa.list_(pa.string())
    fields: list[tuple[str, Any]] = []
    if "kind" in model.heads:
        fields.append(("kind", text))
    for head, plural, singular in (("topics", names, "topic"), ("stance", text, "stance")):
        if head in model.heads:
            numbers = pa.struct([(label, pa.float64()) for label in model.heads[head].labels])
            fields += [(head, plural), (f"{singular}_probabilities", numbers)]
    if "stance" in model.heads:
        fields += [("target", text), ("target_mentioned", pa.bool_())]
    fields += [("abstained", names), ("model", text)]
    return fields


def label_batches(
    model: "Model", batches: Iterable[Any], text_field: str = "text", target: str | None = None
) -> Iterator[Any]:
    """Yield one labelled record batch for each given one, rows in order; memory is flat in their number.

    A row whose text is null counts as an empty one: no topic, the fallback stance, abstained. Raises KeyError where a batch
    has no column `text_field`, UsageError for an unknown target.
    """
    import pyarrow as pa

    name = model.target(target)
    for batch in batches:
        if text_field not in batch.schema.names:
            raise KeyError(f"no column {text_field!r} in the batch; there are {batch.schema.names}")
        units = [Unit(text or "", name) for text in batch.column(text_field).cast(pa.string()).to_pylist()]
        records = [record for chunk in chunks(units) for record in labelled(model, chunk)]
        schema = output_schema(model, batch.schema, text_field)
        passed = len(schema) - len(_ours(model))
        columns = [batch.column(field.name) for field in list(schema)[:passed]]
        columns += [pa.array([record[field.name] for record in records], field.type) for field in list(schema)[passed:]]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
