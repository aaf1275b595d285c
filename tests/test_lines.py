"""JSON Lines by the kernel: the same bytes, rejects and counts as row by row in Python, whatever the rows are."""

import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from parastance.predict import labelling, lines, streaming
from parastance.predict.blocks import Blocks
from parastance.predict.chunks import Wanted, count_labels
from parastance.predict.heads import Head
from parastance.predict.inputs import Source
from parastance.predict.kernel import kernel_module
from parastance.predict.labelling import Job, label_part
from parastance.predict.model import Model, Unit
from parastance.predict.outputs import LineWriter
from parastance.predict.parts import plan
from parastance.predict.progress import Reporter
from parastance.predict.records import _records
from parastance.predict.scorer import Scored
from parastance.predict.units import Reading

pytestmark = pytest.mark.skipif(kernel_module() is None, reason="no kernel was built")

TEXT = "Tehran sent advisers to Damascus. Shells killed nine people in Homs, and talks with Assad failed."
ROWS = [
    f'{{"id": "a", "text": "{TEXT}"}}', f'{{"text": "{TEXT}"}}', '{"id": 7, "text": "Home > World"}', '{"id": "", "text": "x"}',
    ' { "text" : "Talks failed" , "n" : 1 } ', '{"text": "a", "a": {"b": [1, {}, [], {"c": null}], "d": true}, "e": "\\u00e9\\n"}',
    '{"text":"caf\\u00e9 \\ud83d\\ude00 \\"said\\" \\/ \\t Iran","id":"\\u0041"}', '{"text": "Ünïcode и Асад", "ö": "\u2028"}',
    '{"text": "no end', '{"text": ""}', '{"text": "123"}', '{"text": 5}', '[1]', "{}", "", "   \t", "\x0b", '{"text": "a"} x',
    '{"text": "Асад"}', '{"text": "a", "text": "twice"}', '{"text": "a", "k": 1, "k": 2}', '{"text": "a", "k": {"x": 1, "x": 2}}',
    '{"text": "a", "id": 1.5}', '{"text": "a", "id": true}', '{"text": "a", "id": null}', '{"text": "a", "id": [1]}',
    '{"text": "a", "id": -0}', '{"text": "a", "target": "hezbollah"}', '{"text": "a", "target": null}',
    '{"text": "a", "target": 3}',
    '{"text": "Assad left", "target_mentions": [[0, 5]]}', '{"text": "a", "target_mentions": ""}', '{"text": "a", "kind": "mine"}',
    '{"text": "a", "model": {"x": 1}, "abstained": 1, "encoding": "x"}',
    '{"text": "half \\ud83d pair"}', '{"text": "a", "k": "\\udc00"}',
    '{"text": "nul \\u0000"}', '{"text": "tab\there"}', '{"text": "a", "n": NaN}', '{"text": "a", "n": Infinity}',
    f'{{"text": "a", "deep": {"[" * 60}1{"]" * 60}}}', f'{{"text": "a", "deep": {"[" * 20}1{"]" * 20}}}',
    f'{{"text": "{"Assad met Putin. " * 60_000}"}}', '{"text": "a\\q"}', '{"text": "a", "n": 01}', '{"text": "a", "n": 1.}',
    '{"text": "a",}', '{"text" "a"}', '{"text": "a", "\\u006b": 1}', '{"id": "x"}', "null", '{"text": null}',
    '{"text": "a", "n": tru}',
]  # fmt: skip
NUMBERS = [
    "0", "-0", "-0.0", "0.0", "1.0", "1.50", "10", "1e5", "1E-7", "0.0001", "0.00001", "123456789012345.5", "0.1234567890123456",
    "0.12345678901234567", "0.1234567890123456789", "0.30000000000000004", "9007199254740993", "1234567890123456.0", "2.5e-3",
    "1e400",
    "0.1000000000000000055", "5e-324", "179769313486231570000.0", "12345678901234567890123", "-3.14159", "100.0", "0.10", "00.1",
]  # fmt: skip


def both(model: Model, data: bytes, folder: Path, name: str = "a.jsonl", size: int = 1 << 20, **options: Any) -> list[Any]:
    """Return what comes of some lines, by the kernel and row by row, each: bytes, rejects, what is told."""
    path = folder / name
    path.write_bytes(data)
    packing = ".gz" if name.endswith(".gz") else ""
    keep_text = options.pop("keep_text", True)
    job = Job("out", str(folder), ".jsonl", Reading(**options), Wanted(keep_text=keep_text))
    found = []
    for by_lines in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not by_lines:
                patch.setattr(labelling, "takes_lines", lambda *_: False)
            told = []
            for part in plan([Source(str(path), name, ".jsonl", packing)], "text", size):
                done = label_part(model, part, job)
                rejects = Path(done.rejects).read_bytes() if done.rejects else b""
                told.append((Path(done.aside).read_bytes(), rejects, done.paragraphs, done.rejected, list(done.labels.items()),
                             done.sha256, [{**facts, "stamp": 0} for facts in done.pieces], done.named))  # fmt: skip
        found.append(told)
    return found


@pytest.mark.parametrize("options", [{}, {"keep_text": False}, {"text_field": "k"}, {"id_field": "n"}, {"target": "hezbollah"}])
def test_odd_rows(options: dict[str, Any], small_model: Model, tmp_path: Path) -> None:
    data = "\n".join(ROWS).encode("utf-8", "surrogatepass") + b'\r\n{"text": "caf\xe9 in Damascus"}\n{"text": "last"}'
    mine, theirs = both(small_model, data, tmp_path, **options)
    assert mine == theirs
    assert sum(part[2] for part in mine) > 3 or options.get("text_field") == "k"


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n", b"\xff\xd8\xff\n", b"\xef\xbb\xbf\n"])
def test_line_ends_marks_and_pictures(start: bytes, ends: bytes, small_model: Model, tmp_path: Path) -> None:
    mine, theirs = both(small_model, start + ends.join([ROWS[0].encode()] * 3), tmp_path)
    assert mine == theirs


@pytest.mark.parametrize("data", [b"", b"\n", b"\x00", b"{", b'{"text": "a'])
def test_hardly_anything(data: bytes, small_model: Model, tmp_path: Path) -> None:
    mine, theirs = both(small_model, data, tmp_path)
    assert mine == theirs


def test_slices_and_packed_files(small_model: Model, tmp_path: Path) -> None:
    data = b"\n".join(row.encode("utf-8", "surrogatepass") for row in ROWS if len(row) < 1000)
    mine, theirs = both(small_model, data, tmp_path, size=300)
    assert len(mine) > 5
    assert mine == theirs
    packed = gzip.compress(data * 3, mtime=0)
    for cut in (len(packed), len(packed) - 20):
        mine, theirs = both(small_model, packed[:cut], tmp_path, "a.jsonl.gz")
        assert mine == theirs


def test_numbers_are_written_as_python_writes_them(small_model: Model, tmp_path: Path) -> None:
    mine, theirs = both(small_model, b"".join(b'{"text": "a", "n": %s}\n' % number.encode() for number in NUMBERS), tmp_path)
    assert mine == theirs


ESCAPES = ['\\"', "\\\\", "\\n", "\\b\\f\\r\\t", "\\/", "\\u0001", "\\u001F", "\\u00e9", "é", "\x7f", "\u2028"]


@pytest.mark.parametrize("mark", ESCAPES)
def test_marks_and_escapes_at_any_place(mark: str, small_model: Model, tmp_path: Path) -> None:
    """Strings are looked through many bytes at a time; what stands as Python would write it is not written anew."""
    rows = [f'{{"id": "{at}", "text": "{"a" * at}{mark}{"b" * (at % 17)}", "c": "{"a" * at}{mark}"}}\n' for at in range(70)]
    mine, theirs = both(small_model, "".join(rows).encode(), tmp_path)
    assert mine == theirs
    assert mine[0][2] == 70 - (mark not in ("\\u00e9", "é"))


def test_to_standard_output(small_model: Model, tmp_path: Path) -> None:
    """The same records, rejects and counts, whether rows go through the kernel; the inputs stay in order."""
    rows = "\n".join(row for row in ROWS if len(row) < 1000).encode("utf-8", "surrogatepass")
    for name, data in {"a.jsonl": rows, "b.csv": b"text\nTalks failed\n", "c.jsonl": rows[:5000], "d.jsonl": b""}.items():
        (tmp_path / name).write_bytes(data)
    sources = [Source(str(path), path.name, path.suffix) for path in sorted(tmp_path.iterdir())]
    found = []
    for by_lines in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not by_lines:
                patch.setattr(streaming, "takes_lines", lambda *_: False)
            out, told = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n"), io.StringIO()
            tally = streaming.stream(small_model, sources, Reading(), Wanted(), LineWriter(out), Reporter(stream=told))
        found.append((out.buffer.getvalue(), told.getvalue(), tally.paragraphs, tally.rejected, tally.labels))  # type: ignore[attr-defined]
    assert found[0] == found[1]
    assert found[0][2] > 20


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=6,
)  # fmt: skip
KEYS = st.sampled_from(["n", "kind", "target", "topics", "é", "date"]) | st.text(max_size=4)
WORDS = st.sampled_from(["Assad", "Iran ", "shells. ", "“", "é", "\n", "\\", '"', " "])
TEXTS = st.text(max_size=60) | st.lists(WORDS).map("".join)
LINES = st.tuples(
    st.fixed_dictionaries({"text": TEXTS}, optional={"id": VALUES}), st.dictionaries(KEYS, VALUES, max_size=3), st.booleans(),
    st.sampled_from([None, (",", ":"), (" , ", " : ")]),
).map(lambda drawn: json.dumps({**drawn[0], **drawn[1]}, ensure_ascii=drawn[2], separators=drawn[3]))  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(LINES, min_size=1, max_size=8))
def test_any_rows(rows: list[str], small_model: Model, tmp_path: Path) -> None:
    data = "\n".join(rows).encode("utf-8", "surrogatepass")
    mine, theirs = both(small_model, data, tmp_path)
    assert mine == theirs


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(LINES, st.integers(0, 200), st.binary(max_size=3)), min_size=1, max_size=8))
def test_any_bytes(rows: list[tuple[str, int, bytes]], small_model: Model, tmp_path: Path) -> None:
    """Rows that were cut and spoilt."""
    spoilt = [(row.encode("utf-8", "surrogatepass"), at, other) for row, at, other in rows]
    data = b"\n".join(row[:at] + other + row[at:] if at % 2 else row[: len(row) - at] for row, at, other in spoilt)
    mine, theirs = both(small_model, data, tmp_path)
    assert mine == theirs


def test_rows_that_cannot_be_scored_together_are_scored_by_themselves(
    small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def failing(*given: Any) -> None:
        calls.append(given)
        raise RuntimeError("cannot do it")

    wanted = both(small_model, "\n".join(ROWS[:20]).encode(), tmp_path)[1]
    monkeypatch.setattr(Model, "score_lines", failing)
    assert both(small_model, "\n".join(ROWS[:20]).encode(), tmp_path)[0] == wanted
    assert calls


def test_most_rows_are_not_left_to_python(small_model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[int] = []
    found = lines.label_items
    monkeypatch.setattr(lines, "label_items", lambda model, items, wanted: asked.append(len(items)) or found(model, items, wanted))
    rows = [{"id": at, "text": f"{TEXT} {at}", "date": "2015", "n": at / 7, "tags": ["a", "b"], "é": None} for at in range(50)]
    both(small_model, b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in rows), tmp_path)
    assert asked == [0]


@st.composite
def heads(draw: st.DrawFn, exclusive: bool, labels: tuple[str, ...]) -> Head:
    """A head with any rules: its numbers drawn at random, some of its curves stepped, some labels never certified."""
    k, random = len(labels), default_rng(draw(st.integers(0, 999)))
    curves = []
    for _ in labels:
        x = np.sort(random.choice([0.0, 0.25, 0.5, 1.0, *random.random(6)], random.integers(1, 9)))
        curves.append(np.array([x, np.sort(random.random(len(x)))]) if random.random() < 0.6 else None)
    certified = np.where(random.random(k) < 0.3, np.nan, random.random(k))
    rules = {name: draw(st.booleans()) for name in ("at_least_one", "at_most_one", "unnamed_neutral")}
    cut = random.random(k) * draw(st.integers(0, 1))
    return Head(
        labels, exclusive, np.zeros(k), random.normal(1, 0.5, k), random.normal(0, 1, k), cut,
        certified, int(random.integers(k)), curves=tuple(curves) if draw(st.booleans()) else (), **rules,
    )  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    kind=st.none() | heads(True, ("content", "boilerplate")), topics=st.none() | heads(False, ("a", "b\"", "ü")),
    stance=st.none() | heads(True, ("x", "a", "z", "w")), seed=st.integers(0, 999), n=st.integers(1, 40),
)  # fmt: skip
def test_scores_are_judged_as_by_numpy(
    kind: Head | None, topics: Head | None, stance: Head | None, seed: int, n: int, small_model: Model
) -> None:
    given_heads = {name: head for name, head in (("kind", kind), ("topics", topics), ("stance", stance)) if head}
    model = Model("m", small_model.registry, given_heads, Blocks(given_heads, {}))
    random = default_rng(seed)
    scores = np.round(random.normal(0, 3, (n, model.blocks.width)) * random.choice([1, 100]), int(random.integers(4)))
    flags = random.integers(0, 4, n).astype(np.uint8)
    units = [Unit(f"text {at}") for at in range(n)]
    scored = Scored(scores, flags & 1 != 0, flags & 2 != 0)
    labels, compiled = model._judge(scored, ["t"] * n), model._labels(scored, ["t"] * n)
    assert given_heads.keys() == compiled.given.keys()
    for name in given_heads:
        assert np.abs(labels.probabilities[name] - compiled.probabilities[name]).max() < 1e-12
        assert labels.given[name].tolist() == compiled.given[name].tolist()
        assert labels.certain[name].tolist() == compiled.certain[name].tolist()
    records = _records(model, units, labels)
    counts: Counter[str] = Counter()
    count_labels(counts, records)

    labeller = lines._Labeller(model, Source("f", "f", ".jsonl"), Reading(target="t"), Wanted())
    block = b"".join(json.dumps({"id": str(at), "text": unit.text}).encode() + b"\n" for at, unit in enumerate(units))
    labeller.reader.read(block, 0, 1, n)
    written, counted = labeller.reader.write(scores, flags, (), None)
    found = lines.LabelledLines()
    labeller._count(counted, {}, found)
    assert [json.loads(line) for line in written.splitlines()] == [{"id": str(at), **row} for at, row in enumerate(records)]
    assert list(found.labels.items()) == list(counts.items())


def test_heads_that_cannot_be() -> None:
    good = ((b'"a"', b'"b"'), 0, 0, True, False, False, False, bytes(64), (b"", bytes(32)))
    made = kernel_module().Lines

    def lines_of(head: Any, width: int = 4, boilerplate: int = 0) -> Any:
        return made(b"text", b"id", b'"n', (), (b'"t"', b'"m"', True, width, boilerplate, head, None, None))

    lines_of(good)
    bad = [(0, ()), (0, (b"",)), (0, (1, 2)), (1, 3), (1, -1), (2, 2), (2, -1), (7, bytes(63)), (8, (b"",)), (8, (b"", b"1"))]
    for at, wrong in bad:
        with pytest.raises((ValueError, TypeError)):
            lines_of((*good[:at], wrong, *good[at + 1 :]))
    for width, boilerplate in ((1, 0), (0, 0), (-4, 0), (4, 2), (4, -1)):
        with pytest.raises(ValueError):
            lines_of(good, width, boilerplate)
    with pytest.raises(TypeError):
        lines_of("head")
    read = lines_of(good)
    read.read(b'{"text": "a"}\n', 0, 1, 5)
    for scores, flags, others in [(bytes(8), bytes(1), ()), (bytes(32), bytes(2), ()), (bytes(32), bytes(1), (b"",))]:
        with pytest.raises(ValueError):
            read.write(scores, flags, others, None)
