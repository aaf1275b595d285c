"""Arrow values that Python's own types cannot hold: passed through to Parquet unchanged, to JSON as text or number."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parastance.predict.arrow_values import python_values
from parastance.predict.batch import Options, run
from parastance.predict.destination import destination
from parastance.predict.inputs import find_sources
from parastance.predict.model import Model
from parastance.predict.progress import Reporter
from parastance.predict.rows import plain

FAR = 2**62
FAR_TIMES = pa.array([-FAR, FAR, None], pa.timestamp("us"))
NANOSECONDS = pa.array([1, 2, None], pa.timestamp("ns"))
TEXTS = pa.array(["Talks between Assad and the envoy failed."] * 3)
COLUMNS = {
    "a year beyond 9999": (FAR_TIMES, [-FAR, FAR, None]),
    "nanoseconds": (NANOSECONDS, ["1970-01-01T00:00:00.000000001", "1970-01-01T00:00:00.000000002", None]),
    "nanoseconds of a zone": (
        pa.array([1, None, 0], pa.timestamp("ns", "Europe/Berlin")),
        ["1970-01-01T01:00:00.000000001+01:00", None, "1970-01-01T01:00:00.000000000+01:00"],
    ),
    "time of day": (pa.array([1, 86_399_999_999_999, None], pa.time64("ns")), ["00:00:00.000000001", "23:59:59.999999999", None]),
    "duration": (pa.array([1, FAR, None], pa.duration("ns")), ["1 ns", f"{FAR} ns", None]),
    "long duration": (pa.array([FAR, 1, None], pa.duration("s")), [f"{FAR} s", "1 s", None]),
    "date": (pa.array([2**30, 1, None], pa.int32()).cast(pa.date32()), [2**30, "1970-01-02", None]),
    "object": (
        pa.StructArray.from_arrays([FAR_TIMES, NANOSECONDS, pa.array(["x", "y", "z"])], ["far", "fine", "text"]),
        [{"far": -FAR, "fine": "1970-01-01T00:00:00.000000001", "text": "x"},
         {"far": FAR, "fine": "1970-01-01T00:00:00.000000002", "text": "y"}, {"far": None, "fine": None, "text": "z"}],
    ),
    "list": (pa.ListArray.from_arrays([0, 2, 2, 3], FAR_TIMES), [[-FAR, FAR], [], [None]]),
    "map": (
        pa.MapArray.from_arrays([0, 1, 1, 2], pa.array(["a", "b"]), pa.array([FAR, 1], pa.timestamp("us"))),
        [[["a", FAR]], [], [["b", "1970-01-01T00:00:00.000001"]]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_values_as_json_can_hold_them(name: str) -> None:
    column, wanted = COLUMNS[name]
    values = python_values(column)
    assert [plain(value) for value in values] == wanted
    assert pa.array(values, column.type).equals(column)


def test_ordinary_columns_become_python_values() -> None:
    for column in (pa.array(["a", None]), pa.array([1, None], pa.timestamp("us")), pa.array(["a", None]).dictionary_encode()):
        assert python_values(column) == column.to_pylist()


def test_passed_through_with_values_and_types(small_model: Model, tmp_path: Path) -> None:
    """To Parquet bit for bit, nested values of CSV as JSON."""
    given = pa.table({"text": TEXTS, **{name: column for name, (column, _) in COLUMNS.items()}})
    pq.write_table(given, tmp_path / "in.parquet")
    given = pq.read_table(tmp_path / "in.parquet")
    for out in ("out.parquet", "out.csv"):
        sources = find_sources([str(tmp_path / "in.parquet")])
        tally: Any = run(small_model, sources, destination(str(tmp_path / out), sources), Options(), Reporter(quiet=True))
        assert (tally.paragraphs, tally.rejected) == (3, 0)
    found = pq.read_table(tmp_path / "out.parquet")
    for name in COLUMNS:
        assert found[name].type == given[name].type
        assert found[name].combine_chunks().equals(given[name].combine_chunks()), name
    from csv import DictReader

    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as stream:
        first = next(DictReader(stream))
    assert json.loads(first["object"]) == COLUMNS["object"][1][0]
    assert json.loads(first["map"]) == COLUMNS["map"][1][0]
