"""The queue: what is uncertain, diverse, new; a random share that an audit can rely on; every form it is written in."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Run
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.predict.errors import DataError, UsageError
from parastance.predict.heads import Head
from parastance.predict.output_file import OutputFile
from parastance.train.cli import main
from parastance.train.data import labelled_row, read_labelled
from parastance.train.drawn import AUDIT, UNCERTAIN
from parastance.train.near import NearIndex
from parastance.train.queue import SMALLEST, Candidate, Labelled, Pool, Sample, Survey, margins, of_model, random_number, survey
from parastance.train.queue_pick import audits, by_reach, likeness, pick
from parastance.train.queue_write import format_for, rows_of, summary, write_queue

WORDS = [a + b for a in ("ba", "ko", "li", "mu", "re", "sa", "to", "vi") for b in ("dan", "fel", "gor", "hin", "jas", "kum")]


def head(labels: tuple[str, ...], exclusive: bool, cut: tuple[float, ...]) -> Head:
    k = len(labels)
    none = np.full(k, np.nan)
    return Head(labels, exclusive, np.zeros(k), np.ones(k), np.zeros(k), np.array(cut), none)


HEADS = {
    "topics": head(("casualties", "diplomacy"), False, (0.3, 0.5)),
    "stance": head(("neutral", "opposed", "supportive"), True, (0.0, 0.0, 0.0)),
}


def record(at: int, text: str = "", kind: str = "content", **p: float) -> dict[str, Any]:
    """A record as `predict` writes it; by default its text is unlike all others and its decisions are certain."""
    generator = np.random.default_rng(at)
    text = text or " ".join(generator.choice(WORDS, 12))
    stance = {"neutral": 0.98, "opposed": 0.01, "supportive": 0.01, **{k: v for k, v in p.items() if k in HEADS["stance"].labels}}
    return {
        "id": f"r{at}", "text": text, "kind": kind, "topics": [], "stance": "neutral", "target": "assad_government",
        "topic_probabilities": {name: p.get(name, 0.001) for name in HEADS["topics"].labels}, "stance_probabilities": stance,
        "abstained": [], "model": "m@1",
    }  # fmt: skip


NOTHING = Labelled([], "assad_government")


def queue(records: list[Any], count: int, audit: int = 0, labelled: Labelled = NOTHING, seed: int = 0) -> list[Any]:
    return pick(survey(records, HEADS, labelled, count, audit, seed), labelled, count, audit)


def test_a_margin_is_the_distance_to_the_decision() -> None:
    found = margins(HEADS["topics"], np.array([[0.3, 0.3], [0.3001, 0.5], [0.9, 0.01]]))
    assert found[0, 0] == 0 and found[1, 1] == 0
    assert found[0, 1] == pytest.approx(np.log(0.7 / 0.3))
    found = margins(HEADS["stance"], np.array([[0.5, 0.4, 0.1], [0.4, 0.4, 0.2]]))
    assert found[0] == pytest.approx([np.log(5 / 4), np.log(5 / 4), np.log(5)])
    assert found[1] == pytest.approx([0, 0, np.log(2)])
    shifted = head(("neutral", "opposed"), True, (0.0, np.log(2)))
    assert margins(shifted, np.array([[2 / 3, 1 / 3]]))[0] == pytest.approx([0, 0])


def test_the_uncertain_come_first_and_labels_take_turns() -> None:
    records = [record(at) for at in range(300)]
    for at in range(10):
        records[at] = record(at, casualties=0.29 + at / 1000)
        records[50 + at] = record(50 + at, diplomacy=0.5)
        records[100 + at] = record(100 + at, opposed=0.49, neutral=0.5)
        records[150 + at] = record(150 + at, supportive=0.49, neutral=0.5)
    chosen = queue(records, 15)
    for p in chosen:
        at = int(p.record["id"][1:])
        assert at % 50 < 10 and at < 160, p
        assert p.why == UNCERTAIN and p.margin < 0.3
    asked = [p.question[1] for p in chosen]
    assert {name: asked.count(name) for name in asked} == dict.fromkeys(
        ("casualties", "diplomacy", "neutral", "opposed", "supportive"), 3
    )


def test_no_two_of_a_kind_and_nothing_labelled() -> None:
    story = "the envoy left the town at dawn and twelve people were killed when shells fell on the road to the north"
    copies = [record(at, story + f" {WORDS[at % 40]}", casualties=0.3) for at in range(400)]
    others = [record(1000 + at, casualties=0.4) for at in range(20)]
    done = [labelled_row({"text": others[0]["text"], "topics": []}, "x"), labelled_row({"text": story, "topics": []}, "y")]
    chosen = queue(copies + others, 30, 5)
    index = NearIndex()
    for p in chosen:
        assert index.find(p.record["text"]) is None
        index.add(p.record["text"])
    assert len(chosen) > 5
    chosen = queue(copies + others, 30, 0, Labelled(done, "assad_government"))
    texts = {p.record["text"] for p in chosen}
    assert others[0]["text"] not in texts
    assert not any(text.startswith(story) for text in texts)


def test_one_story_does_not_fill_a_pool() -> None:
    pool = Pool(SMALLEST)
    story = "the envoy left the town at dawn and twelve people were killed when shells fell on the road to the north"
    for at in range(2000):
        pool.offer(Candidate(0.0, at, record(at, f"{story} {WORDS[at % 48]} {WORDS[at // 48]}")))
    for at in range(40):
        pool.offer(Candidate(1.0, at, record(5000 + at)))
    assert sum(c.margin == 1.0 for c in pool.candidates()) == 40


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 30)), max_size=60), st.integers(1, 8))
@settings(deadline=None)
def test_a_pool_keeps_the_nearest_of_each_kind(offers: list[tuple[float, int]], size: int) -> None:
    pool = Pool(size)
    best: dict[int, float] = {}
    for number, (margin, kind) in enumerate(offers):
        pool.offer(Candidate(margin, number, record(kind)))
        best[kind] = min(margin, best.get(kind, np.inf))
    assert len(pool.candidates()) == min(size, len(best))
    if len(best) <= size:
        assert [c.margin for c in pool.candidates()] == sorted(best.values())


def test_diversity_covers_every_cluster_first() -> None:
    texts = [f"{cluster} {cluster}x {WORDS[at]}" for cluster in ("envoy", "shell", "flood") for at in range(5)]
    order = list(by_reach(likeness(texts), np.ones(15)))
    assert {at // 5 for at in order[:3]} == {0, 1, 2}
    assert sorted(order) == list(range(15))
    heavy = np.where(np.arange(15) == 7, 1.0, 0.01)
    assert next(by_reach(likeness(texts), heavy)) == 7


def test_furniture_is_audited_thinly_and_never_queued_as_uncertain() -> None:
    records = [record(at, kind="boilerplate" if at % 2 else "content", casualties=0.3) for at in range(2000)]
    chosen = queue(records, 100, 50)
    kinds = [p.record["kind"] for p in chosen if p.why == AUDIT]
    assert kinds.count("boilerplate") == 10
    assert all(p.record["kind"] == "content" for p in chosen if p.why == UNCERTAIN)
    chances = {p.record["kind"]: p.chance for p in chosen if p.why == AUDIT}
    assert chances == {"content": 40 / 1000, "boilerplate": 10 / 1000}


def test_the_audit_is_a_random_sample() -> None:
    """Over many seeds every record is drawn as often as its chance says, copies together as often as they are."""
    texts = [" ".join(np.random.default_rng(at).choice(WORDS, 12)) for at in range(30)]
    records = [record(at, texts[at] if at < 30 else texts[0]) for at in range(40)]  # eleven copies of one text
    total = np.zeros(40)
    for seed in range(400):
        samples = {"content": Sample(10), "boilerplate": Sample(10)}
        for entry in records:
            samples["content"].offer(random_number(entry, seed), entry)
        for p in audits(Survey({}, samples), 10):
            total[int(p.record["id"][1:])] += 1 / p.chance
    total /= 400
    copies = [0, *range(30, 40)]
    assert total[1:30].mean() == pytest.approx(1, abs=0.06)
    assert total[copies].sum() == pytest.approx(11, abs=0.8)
    assert total.sum() == pytest.approx(40, abs=1.5)


def test_the_audit_does_not_depend_on_the_order_of_records() -> None:
    records = [record(at) for at in range(200)]
    names = [[p.record["id"] for p in queue(part, 20, 20)] for part in (records, records[::-1])]
    assert names[0] == names[1]
    assert [p.record["id"] for p in queue(records, 20, 20, seed=1)] != names[0]


@given(st.integers(0, 30), st.integers(1, 12))
def test_a_sample_keeps_the_smallest_numbers(total: int, size: int) -> None:
    sample = Sample(size)
    for number in np.random.default_rng(total).permutation(total).tolist():
        sample.offer(number, {})
    assert [number for number, _ in sample.first(size)] == list(range(min(size, total)))
    assert sample.total == total


def test_audits_are_spread_through_the_queue() -> None:
    chosen = queue([record(at, casualties=0.3) for at in range(500)], 50, 10)
    places = [at for at, p in enumerate(chosen) if p.why == AUDIT]
    assert len(places) == 10 and max(np.diff(places)) <= 6


def test_a_queue_longer_than_the_output_holds_all_of_it() -> None:
    records = [record(at, casualties=0.3) for at in range(5)]
    found = survey(records, HEADS, NOTHING, 200, 2, 0)
    chosen = pick(found, NOTHING, 200, 2)
    assert len(chosen) == 5
    assert "195 fewer than asked for: there are no more" in summary(found, chosen, 200, [])


def test_records_that_cannot_be_queued() -> None:
    with pytest.raises(DataError, match="--keep-text"):
        queue([{**record(1), "text": None}], 5)
    with pytest.raises(UsageError, match="--model"):
        queue([{**record(1), "topic_probabilities": {"weather": 0.5}}], 5)
    with pytest.raises(UsageError, match="neither topics nor stance"):
        survey([], {}, NOTHING, 5, 1, 0)


def test_records_of_another_model_are_refused() -> None:
    assert len(list(of_model([record(1), {"id": "x"}], "renamed@1"))) == 2
    with pytest.raises(UsageError, match="labelled by model m@1, this is m@2"):
        list(of_model([record(1)], "m@2"))


def made(count: int = 20, audit: int = 5) -> list[Any]:
    return queue([record(at, casualties=0.3, opposed=0.4, neutral=0.5) for at in range(100)], count, audit)


def test_rows_say_why_and_audits_are_blind() -> None:
    chosen = made()
    rows = rows_of(chosen, HEADS)
    assert len({tuple(row) for row in rows}) == 1
    for p, row in zip(chosen, rows, strict=True):
        assert (row["topics"], row["stance"], row["kind"]) == (None, None, None)
        assert row["queue"] == p.why
        if p.why == AUDIT:
            assert row["sampling_probability"] == pytest.approx(0.05)
            assert row["predicted_stance"] is None and row["predicted_topics"] is None
            assert row["reason"] == "drawn at random, 1 in 20"
        else:
            assert row["sampling_probability"] is None and row["predicted_stance"] == "neutral"
    reasons = {row["reason"] for row in rows}
    assert {"casualties 0.30, decided at 0.30", "stance: opposed 0.40 or neutral 0.50"} <= reasons


ANSWER = {"topics": ["casualties"], "stance": "opposed", "kind": "content"}


def filled(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **ANSWER}


@pytest.mark.parametrize("name", ["q.jsonl", "q.csv", "q.tsv"])
def test_a_filled_table_is_read_back(name: str, tmp_path: Path) -> None:
    chosen = made()
    write_queue(chosen, HEADS, str(tmp_path / name), "table")
    notes: list[str] = []
    with pytest.raises(UsageError, match="no labelled rows"):
        read_labelled([str(tmp_path / name)], note=notes.append)
    assert "paragraphs without an answer, left out: 20" in notes[0]
    rows = [row if at % 2 else filled(row) for at, row in enumerate(rows_of(chosen, HEADS))]
    from parastance.predict.output_file import OutputFile

    with OutputFile(str(tmp_path / name)) as writer:
        writer.write(rows)
    back = read_labelled([str(tmp_path / name)])
    assert [row.id for row in back] == [row["id"] for row in rows[::2]]
    assert {(row.topics, row.stance, row.kind) for row in back} == {(("casualties",), "opposed", "content")}
    assert {str(row.fields["sampling_probability"]) for row in back} <= {"0.05", "None", ""}


QUEUED = {"target": None, "topics": None, "stance": None, "kind": None, "queue": "audit", "sampling_probability": 0.1}
FILLED: list[tuple[str, list[dict[str, Any]], list[Any]]] = [
    ("jsonl, no topic", [{"topics": []}, {"stance": "neutral"}, {}], [((), None), (None, "neutral")]),
    ("jsonl, none", [{"topics": ["none"]}, {"topics": "none"}, {"topics": ["diplomacy"]}],
     [((), None), ((), None), (("diplomacy",), None)]),
    ("csv, no topic", [{"topics": "none"}, {"topics": "diplomacy", "stance": "opposed"}, {"stance": "neutral"}, {}],
     [((), None), (("diplomacy",), "opposed"), ((), "neutral")]),
    ("csv, nobody was asked about topics", [{"stance": "neutral"}, {"stance": "opposed"}], [(None, "neutral"), (None, "opposed")]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "answers", "expected"), FILLED, ids=[case[0] for case in FILLED])
def test_no_topic_is_an_answer_and_a_bare_row_is_none(what: str, answers: Any, expected: Any, tmp_path: Path) -> None:
    rows = [{"id": f"r{at}", "text": f"Paragraph {at}.", **QUEUED, **answer} for at, answer in enumerate(answers)]
    path = tmp_path / f"filled.{what.split(',')[0]}"
    with OutputFile(str(path)) as writer:
        writer.write(rows)
    assert [(row.topics, row.stance) for row in read_labelled([str(path)])] == expected


def test_label_studio_and_back(tmp_path: Path) -> None:
    """Our tasks, as Label Studio keeps and exports them: data and predictions as they came, annotations added."""
    chosen = made()
    written = write_queue(chosen, HEADS, str(tmp_path / "q.json"), "label-studio")
    tasks = json.loads((tmp_path / "q.json").read_text())
    config = Path(written[1]).read_text()
    assert '<Choices name="topics" toName="text" choice="multiple"' in config and 'value="casualties"' in config
    for p, task in zip(chosen, tasks, strict=True):
        assert task["data"]["text"] == p.record["text"]
        assert ("predictions" in task) == (p.why != AUDIT)
        assert not {"topics", "stance", "kind"} & set(task["data"])  # a CSV export would take them for annotations
        for result in task.get("predictions", [{"result": []}])[0]["result"]:
            assert f'name="{result["from_name"]}" toName="{result["to_name"]}"' in config
    (tmp_path / "raw.json").write_text(json.dumps([{"id": at, "annotations": [], **task} for at, task in enumerate(tasks)]))
    with pytest.raises(UsageError, match="no labelled rows"):
        read_labelled([str(tmp_path / "raw.json")])
    results = [
        {"from_name": key, "to_name": "text", "type": "choices", "value": {"choices": value if key == "topics" else [value]}}
        for key, value in ANSWER.items()
    ]
    for at, task in enumerate(tasks):
        word = task["data"]["text"].split()[1]
        start = task["data"]["text"].index(word)
        span = {"start": start, "end": start + len(word), "text": word, "labels": ["target"]}
        spans = [{"from_name": "target_mentions", "to_name": "text", "type": "labels", "value": span}]
        task |= {"id": 7000 + at, "annotations": [{"id": at, "result": results + spans, "was_cancelled": False}]}
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    back = read_labelled([str(tmp_path / "export.json")])
    assert [row.id for row in back] == [p.record["id"] for p in chosen]
    assert {(row.topics, row.stance, row.kind, row.target) for row in back} == {
        (("casualties",), "opposed", "content", "assad_government")
    }
    assert all(row.mentions and row.text[slice(*row.mentions[0])] == row.text.split()[1] for row in back)
    audited = [row for row in back if row.fields.get("sampling_probability")]
    assert len(audited) == 5 and all(row.fields["queue"] == AUDIT for row in audited)


def test_doccano_and_back(tmp_path: Path) -> None:
    """Our rows, as doccano exports them: its own id, text, our columns from the row's meta, labels."""
    chosen = made()
    written = write_queue(chosen, HEADS, str(tmp_path / "q.jsonl"), "doccano")
    rows = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()]
    assert all(row["label"] == [] for row in rows)
    names = {label["text"] for label in json.loads(Path(written[1]).read_text())}
    assert {"casualties", "topic:none", "stance:opposed"} <= names
    exported = [{"id": 100 + at, **row, "label": ["casualties", "stance:opposed", "content"], "Comments": []}
                for at, row in enumerate(rows)]  # fmt: skip
    exported[3]["label"] = []
    (tmp_path / "export.jsonl").write_text("".join(json.dumps(row) + "\n" for row in exported))
    back = read_labelled([str(tmp_path / "export.jsonl")])
    assert [row.id for row in back] == [p.record["id"] for at, p in enumerate(chosen) if at != 3]
    assert {(row.topics, row.stance, row.kind) for row in back} == {(("casualties",), "opposed", "content")}


def test_shares_rests_on_the_audited_rows_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A queue filled in is an audit as it is: `shares` takes the random rows by their chance and leaves the others out."""
    records = [record(at, casualties=0.3 if at % 3 else 0.9, kind="content" if at % 5 else "boilerplate") for at in range(400)]
    for at, entry in enumerate(records):
        entry["topics"] = [] if at % 3 else ["casualties"]
    (tmp_path / "out.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in records))
    chosen = queue(records, 120, 60)
    truth = {entry["id"]: entry for entry in records}
    rows = [{**row, **{key: truth[row["id"]][key] for key in ANSWER}} for row in rows_of(chosen, HEADS)]
    (tmp_path / "done.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["shares", str(tmp_path / "out.jsonl"), "--audit", str(tmp_path / "done.jsonl"), "--quiet"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "by 60 records audited at random" in shown
    assert "60 labelled rows without a `sampling_probability` are no random sample and were left out" in shown


FORMS = [
    ("q.jsonl", None, "table"), ("q.csv", None, "table"), ("q.json", None, "label-studio"), (None, None, "table"),
    ("q.jsonl", "doccano", "doccano"), ("q.json", "label-studio", "label-studio"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "asked", "form"), FORMS)
def test_a_form(path: str | None, asked: str | None, form: str) -> None:
    assert format_for(path, asked) == form


MISFITS = [("q.txt", None), ("q.csv", "doccano"), (None, "label-studio"), ("q.jsonl", "label-studio")]


@pytest.mark.parametrize(("path", "asked"), MISFITS)
def test_a_form_that_does_not_fit_the_name(path: str | None, asked: str | None) -> None:
    with pytest.raises(UsageError, match="ends in"):
        format_for(path, asked)


def test_the_command(run: Run, small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from parastance.train.data import CORPUS

    lines = (CORPUS / "short_lines.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "done.jsonl").write_text("\n".join(lines[:40]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        assert main(["predict", "in.jsonl", "-o", name, "--model", str(small_folder), "--quiet"]) == 0
    done = run("queue", "out.jsonl", "-n", "20", "-o", "q.jsonl", "--labelled", "done.jsonl", "--model", small_folder)
    assert done.returncode == 0, done.stderr
    assert "20 of 240 paragraphs in q.jsonl" in done.stderr and "40 labelled before left out" in done.stderr
    rows = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()]
    known = {json.loads(line)["text"] for line in lines[:40]}
    assert len(rows) == 20 and not known & {row["text"] for row in rows}
    assert {row["queue"] for row in rows} == {"uncertain", "audit"}
    for name in ("out.csv", "out.parquet"):
        assert main(["queue", name, "-n", "20", "-o", "again.jsonl", "--labelled", "done.jsonl", "--model", str(small_folder)]) == 0
        again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
        assert [row["id"] for row in again] == [row["id"] for row in rows]
    capsys.readouterr()
    assert main(["queue", "out.jsonl", "-n", "3", "--model", str(small_folder), "--quiet"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["queue", "out.jsonl", "-o", "out.jsonl", "--model", str(small_folder)]) == 2
    assert "would overwrite" in capsys.readouterr().err
