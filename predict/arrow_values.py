"""Arrow values as Python objects, none changed: what Python's own types cannot hold exactly stays an Arrow scalar.

Python's times end at microseconds and its years at 9999; Arrow's do not.
"""

from typing import Any


def python_values(column: Any) -> list[Any]:
    """Return the values of an Arrow array, null as None."""
    if not _has_nanoseconds(column.type):
        try:
            return list(column.to_pylist())
        except (ValueError, OverflowError):
            pass
    return [scalar if scalar.is_valid else None for scalar in column]


def _has_nanoseconds(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_nested(kind):
        return any(_has_nanoseconds(kind.field(at).type) for at in range(kind.num_fields))
    if pa.types.is_dictionary(kind):
        return _has_nanoseconds(kind.value_type)
    return getattr(kind, "unit", None) == "ns"


def plain_scalar(scalar: Any) -> Any:
    """Return an Arrow scalar as JSON can hold it: times in ISO form, one beyond all calendars as the number that it is."""
    import pyarrow as pa

    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_dictionary(kind):
        return plain_scalar(scalar.value)
    if pa.types.is_struct(kind):
        return {name: plain_scalar(item) for name, item in scalar.items()}
    if pa.types.is_map(kind):
        return [[plain_scalar(item["key"]), plain_scalar(item["value"])] for item in scalar.values]
    if pa.types.is_nested(kind):
        return [plain_scalar(item) for item in scalar.values]
    if pa.types.is_duration(kind):
        return f"{scalar.value} {kind.unit}"
    if pa.types.is_temporal(kind):
        text = scalar.cast(pa.string()).as_py().replace(" ", "T")
        if text.startswith("<"):  # out of range
            return scalar.value
        return f"{text[:-2]}:{text[-2:]}" if text[-5:-4] in ("+", "-") and ":" in text else text
    from parastance.predict.rows import plain

    return plain(scalar.as_py())
