"""Arrow batches in, Arrow batches out."""

import shutil
import sys
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


# (what, Arrow type of the texts)
TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_texts_of_any_type_pass_as_they_are(kind: Any, model: Any) -> None:
    table = pa.table({"text": pa.array(TEXTS, pa.string()).cast(kind) if kind != TEXT_TYPES[3] else pa.array(TEXTS, kind)})
    found = pa.Table.from_batches(model.label_batches(table))
    assert found.schema.field("text").type == kind
    assert found.column("stance").to_pylist() == [record["stance"] for record in model.label([text or "" for text in TEXTS])]


@pytest.mark.parametrize("values", [[1, 2], [b"x"], [["x"]], [True]])
def test_a_column_that_holds_no_text_is_refused(values: list[Any], model: Any) -> None:
    with pytest.raises(TypeError, match="a column of texts is needed"):
        list(model.label_batches(pa.table({"text": values})))
    with pytest.raises(TypeError, match="a column of texts is needed"):
        model.label(pa.array(values))


def test_texts_that_can_be_gone_through_but_once(model: Any) -> None:
    texts = [text for text in TEXTS if text]
    assert model.label(iter(texts)) == model.label(tuple(texts)) == model.label(texts)


# ------------------------------------------------------------------------------------------------ frames

class Speaks:
    """A table of somebody else's that speaks the PyCapsule interface and nothing more."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.schema = table.schema

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


LABELS = [
    "kind", "topics", "topic_probabilities", "stance", "stance_probabilities", "target", "target_mentioned", "abstained", "model"
]  # fmt: skip
GIVEN = [lambda table: table, Speaks, lambda table: table.to_batches()[0], lambda table: table.to_reader()]


@pytest.mark.parametrize("wrap", GIVEN, ids=["table", "another's", "batch", "reader"])
def test_anything_that_speaks_arrow(wrap: Any, model: Any) -> None:
    table = pa.table({"n": pa.array([1, 2], pa.int8()), "text": [TEXTS[0], TEXTS[3]]})
    found = model.label(wrap(table))
    assert found.column_names == ["n", "text", *LABELS]
    assert found.schema.field("n").type == pa.int8()
    assert found.column("topics").to_pylist() == [record["topics"] for record in model.label([TEXTS[0], TEXTS[3]])]


def test_a_pandas_frame_keeps_its_index_and_its_types(model: Any) -> None:
    pandas = pytest.importorskip("pandas")
    columns = {"body": [TEXTS[0], TEXTS[3]], "n": [1, 2], "stance": ["x", "y"]}
    frame = pandas.DataFrame(columns, index=["a", "b"]).astype({"n": "int8"})
    found = model.label(frame, text_field="body")
    assert list(found.index) == ["a", "b"]
    assert found["n"].dtype == "int8" and list(frame["stance"]) == ["x", "y"]
    assert list(found["stance"]) == [record["stance"] for record in model.label([TEXTS[0], TEXTS[3]])]
    assert [list(topics) for topics in found["topics"]] == [record["topics"] for record in model.label([TEXTS[0], TEXTS[3]])]
    assert [record["topics"] for record in model.label(frame["body"])] == [list(topics) for topics in found["topics"]]


def test_a_polars_frame_stays_one(model: Any) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"text": [TEXTS[0], TEXTS[3]], "n": [1, 2]}, schema_overrides={"n": polars.Int8})
    found = model.label(frame, target="hezbollah")
    assert isinstance(found, polars.DataFrame)
    assert found.columns == ["text", "n", *LABELS] and found.schema["n"] == polars.Int8
    assert found["target"].to_list() == ["hezbollah"] * 2
    assert model.label(frame["text"])[0]["topics"] == found["topics"].to_list()[0]


def test_a_frame_without_the_column(model: Any) -> None:
    with pytest.raises(KeyError, match="text"):
        model.label(pa.table({"body": ["x"]}))
    with pytest.raises(TypeError, match="int64"):
        model.label(pa.array([1, 2]))


# ------------------------------------------------------------------------------------------------ Spark and Ray

@pytest.mark.spark
def test_spark_map_in_arrow(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe of the README, in local mode. Needs PySpark and Java."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

    from parastance.predict.arrow import output_schema

    spark = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        rows = [(number, f"{TEXTS[0]} {number}") for number in range(50)]
        frame = spark.createDataFrame(rows, "n int, text string").repartition(4)
        shared = spark.sparkContext.broadcast(model)
        schema = from_arrow_schema(output_schema(model, to_arrow_schema(frame.schema), "text"))
        found = frame.mapInArrow(lambda batches: shared.value.label_batches(batches), schema).orderBy("n").collect()
    finally:
        spark.stop()
    assert [(row["n"], row["text"]) for row in found] == rows
    records = model.label([text for _, text in rows])
    assert [(row["topics"], row["stance"]) for row in found] == [(record["topics"], record["stance"]) for record in records]


def test_ray_map_batches_takes_tables(model: Any) -> None:
    """What Ray Data hands over is one Arrow table a batch; the README's recipe in that shape, without Ray."""
    table = pa.table({"text": [TEXTS[0], TEXTS[3]]})
    found = pa.Table.from_batches(model.label_batches(table.to_batches()))
    assert found.column("stance").to_pylist() == [record["stance"] for record in model.label([TEXTS[0], TEXTS[3]])]
