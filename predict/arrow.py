"""Arrow record batches in, record batches out: the way into Spark, Ray, Polars and pandas.

Frames come and go through the Arrow PyCapsule interface (https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html),
so that neither pandas nor Polars is needed. Needs pyarrow, which it imports only when it is called.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from parastance.predict.model import Unit, chunks
from parastance.predict.records import labelled

if TYPE_CHECKING:
    from parastance.predict.model import Model

FRAME_ROWS = 10_000  # rows of a frame labelled at once


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

    batches: an iterable of them, or what has them (a table, a dataset). A row whose text is null counts as an empty one: no topic,
    the fallback stance, abstained. Raises KeyError where a batch has no column `text_field`, TypeError where that holds no text,
    UsageError for an unknown target.
    """
    import pyarrow as pa

    name = model.target(target)
    for batch in batches.to_batches() if hasattr(batches, "to_batches") else batches:
        if text_field not in batch.schema.names:
            raise KeyError(f"no column {text_field!r} in the batch; there are {batch.schema.names}")
        units = [Unit(text, name) for text in texts_of(batch.column(text_field))]
        records = [record for chunk in chunks(units) for record in labelled(model, chunk)]
        schema = output_schema(model, batch.schema, text_field)
        passed = len(schema) - len(_ours(model))
        columns = [batch.column(field.name) for field in list(schema)[:passed]]
        columns += [pa.array([record[field.name] for record in records], field.type) for field in list(schema)[passed:]]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def texts_of(column: Any) -> list[str]:
    """Return the texts of a column (a Series, an Arrow array), null as an empty text. Raises TypeError where it holds no text."""
    import pyarrow as pa

    array = pa.chunked_array(column) if hasattr(column, "__arrow_c_stream__") else pa.array(column)
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    if not any(holds(kind) for holds in texts):
        raise TypeError(f"a column of texts is needed, this one holds {array.type}")
    return [text or "" for text in array.to_pylist()]


def is_frame(given: Any) -> bool:
    """Whether something that speaks Arrow is a table of columns: a pandas or Polars frame, an Arrow table, a DuckDB result."""
    return any(hasattr(given, name) for name in ("columns", "schema"))


def label_frame(model: "Model", frame: Any, text_field: str = "text", target: str | None = None) -> Any:
    """Return the frame with the columns that labelling adds; those of the same name are replaced.

    A pandas frame comes back as one, with its index, a Polars frame as one; anything else as an Arrow table. Raises KeyError where
    there is no column `text_field`, UsageError for an unknown target.
    """
    import pyarrow as pa

    home = type(frame).__module__.split(".")[0]
    if home == "pandas":
        if text_field not in frame.columns:
            raise KeyError(f"no column {text_field!r} in the frame; there are {list(frame.columns)}")
        texts = frame[[text_field]]
        found = _labelled_table(model, pa.Table.from_pandas(texts, preserve_index=False), text_field, target)
        ours = found.drop_columns([text_field]).to_pandas()
        ours.index = frame.index
        return frame.assign(**{name: ours[name] for name in ours.columns})
    table = pa.table(frame)
    if text_field not in table.column_names:
        raise KeyError(f"no column {text_field!r} in the frame; there are {table.column_names}")
    found = _labelled_table(model, table if home != "polars" else table.select([text_field]), text_field, target)
    if home == "polars":
        import polars

        return frame.with_columns(polars.DataFrame(found.drop_columns([text_field])).get_columns())
    return found


def _labelled_table(model: "Model", table: Any, text_field: str, target: str | None) -> Any:
    import pyarrow as pa

    batches = label_batches(model, table.to_batches(max_chunksize=FRAME_ROWS), text_field, target)
    return pa.Table.from_batches(batches, output_schema(model, table.schema, text_field))
