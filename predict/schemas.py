"""Arrow schemas of records: found, merged, kept as text. A column whose types clash, or that Parquet cannot hold, becomes text."""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

from parastance.predict.records import Types
from parastance.predict.rows import plain

Record = dict[str, Any]


def arrow_columns(records: Sequence[Record], types: Types = None) -> Any:
    """Return the records as an Arrow record batch; columns named in `types` have those types, others are inferred."""
    import pyarrow as pa

    names = list(dict.fromkeys(name for record in records for name in record))
    arrays = [_array([record.get(name) for record in records], (types or {}).get(name)) for name in names]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _array(values: list[Any], kind: Any) -> Any:
    import pyarrow as pa

    if kind is not None:
        try:
            return pa.array(values, kind)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            pass  # one of ours has the name of a column of the input
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.array([as_text(value) for value in values], pa.string())


def as_text(value: Any) -> str | None:
    """Return a value as text: strings and null as they are, all else as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


def unified(schemas: Iterable[Any], final: bool = False) -> Any:
    """Return the schema with all columns of the schemas, in the order met, each of a type that holds all its values.

    final: as Parquet can hold it: what has no type yet becomes text.
    """
    import pyarrow as pa

    types: dict[str, Any] = {}
    for schema in schemas:
        for field in schema:
            known = types.get(field.name)
            types[field.name] = field.type if known is None or known == field.type else _merged(known, field.type)
    if final:
        types = {name: _storable(kind) for name, kind in types.items()}
    return pa.schema(list(types.items()))


def _merged(one: Any, other: Any) -> Any:
    import pyarrow as pa

    try:
        schemas = [pa.schema([("x", kind)]) for kind in (one, other)]
        return pa.unify_schemas(schemas, promote_options="permissive").field("x").type
    except pa.ArrowException:
        return pa.string()


def _storable(kind: Any) -> Any:
    """Return the type as Parquet can hold it: nulls are text, and so is an object that has no key anywhere."""
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        fields = [(field.name, _storable(field.type)) for field in kind]
        return pa.struct(fields) if fields else pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_storable(kind.value_type))
    return kind


def fitted(batch: Any, schema: Any) -> Any:
    """Return the batch with the columns and types of the schema; a value of a type that clashes as text of JSON."""
    import pyarrow as pa

    places = {name: at for at, name in enumerate(batch.schema.names)}
    columns = []
    for field in schema:
        if field.name not in places:
            columns.append(pa.nulls(batch.num_rows, field.type))
            continue
        columns.append(_as_type(batch.column(places[field.name]), field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _as_type(column: Any, kind: Any) -> Any:
    import pyarrow as pa

    if column.type == kind:
        return column
    if pa.types.is_string(kind) and not pa.types.is_large_string(column.type):
        return pa.array([as_text(value) for value in column.to_pylist()], pa.string())
    try:
        return column.cast(kind)
    except pa.ArrowException:
        return pa.array([_shaped(value, kind) for value in column.to_pylist()], kind)


def _shaped(value: Any, kind: Any) -> Any:
    """Return a nested value with text where the type has text."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_struct(kind) and isinstance(value, dict):
        return {field.name: _shaped(value.get(field.name), field.type) for field in kind}
    if pa.types.is_list(kind) and isinstance(value, list):
        return [_shaped(item, kind.value_type) for item in value]
    return as_text(value) if pa.types.is_string(kind) else value


def text_of(schema: Any) -> str:
    """Return a schema as text, to be kept in a file."""
    return base64.b64encode(schema.serialize()).decode("ascii")


def read_schema(text: str) -> Any:
    """Return the schema that `text_of` made text of."""
    import pyarrow as pa

    return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(text)))
