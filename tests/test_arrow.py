"""Arrow batches in, Arrow batches out."""

from typing import Any

import pyarrow as pa
import pytest

TEXTS = ["Tehran sent advisers to Damascus.", None, "Share this article", "At least 12 civilians were killed."]


def batches() -> list[Any]:
    rows = pa.table({"n": [1, 2, 3, 4], "text": TEXTS, "day": pa.array([1, 2, 3, 4], pa.date32()), "stance": ["x"] * 4})
    return list(rows.to_batches(max_chunksize=3))


def test_batches_keep_rows_order_columns_and_types(model: Any) -> None:
    given = batches()
    found = list(model.label_batches(given))
    assert [batch.num_rows for batch in found] == [3, 1]
    table = pa.Table.from_batches(found)
    assert table.column("n").to_pylist() == [1, 2, 3, 4]
    assert table.schema.field("day").type == pa.date32()
    records = model.label([text or "" for text in TEXTS])
    for name in ("kind", "topics", "topic_probabilities", "stance", "target_mentioned", "abstained"):
        assert table.column(name).to_pylist() == [record[name] for record in records]


def test_an_empty_batch_has_the_same_schema(model: Any) -> None:
    full = batches()[0]
    empty = next(model.label_batches([full.slice(0, 0)]))
    assert empty.num_rows == 0
    assert empty.schema == next(model.label_batches([full])).schema


def test_a_missing_column_is_named(model: Any) -> None:
    with pytest.raises(KeyError, match="body"):
        next(model.label_batches(batches(), text_field="body"))
