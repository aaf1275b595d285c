"""`parastance shares`: corrected shares and their intervals, by simulation and end to end."""

import gzip
import json
import random
import sys
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.predict.output_file import OutputFile
from parastance.train.cli import main
from parastance.train.dates import period, position
from parastance.train.population import Audited, Group
from parastance.train.ppi import corrected, residuals, tuned_weight
from parastance.train.randomness import suspicion
from parastance.train.width import cells, shorten

sys.path.insert(0, str(Path(__file__).resolve().parent / "benchmarks"))
from coverage import Case, coverage, draw, simulate, sums


@pytest.mark.parametrize(
    "case",
    [
        Case("useless classifier", 0.3, "useless", 200),
        Case("inverted classifier", 0.3, "inverted", 200),
        Case("few labels, few rows", 0.05, "fair", 60),
        Case("unequal chances", 0.3, "fair", 300, design="unequal"),
        Case("whole documents", 0.3, "fair", 400, clustering=1.0, design="documents"),
        Case("page furniture judged too", 0.3, "good", 300, furniture=0.2),
        Case("a larger population", 0.3, "fair", 300, rows=1500, clustering=1.0, larger=True),
        Case("no audit", 0.1, "good", 200, rows=600, clustering=1.0, design="none", larger=True),
    ],
    ids=lambda case: case.name,
)
def test_95_percent_intervals_cover_the_truth(case: Case) -> None:
    covered, *_ = coverage(case, 300)
    assert covered >= 0.95 - 3 * (0.95 * 0.05 / 300) ** 0.5


def test_the_simulation_can_fail() -> None:
    rng = np.random.default_rng(0)
    archive = simulate(Case("", 0.3, "fair"), rng)
    counted = float(archive.given.mean())
    assert abs(counted - archive.share) > 0.03  # what the classifier counts is off by more than any interval of it is wide
    assert 1.96 * (counted * (1 - counted) / len(archive.given)) ** 0.5 < 0.02


def audited(truth: Any, score: Any, chance: float = 0.1) -> Audited:
    truth, score = np.asarray(truth, float), np.asarray(score, float)
    n = len(truth)
    ones, zeros = np.ones(n), np.zeros(n, np.int64)
    return Audited(truth, ones, score, ones, score >= 0.5, np.full(n, chance), zeros, np.arange(n))


def test_a_useless_classifier_gets_no_weight_and_the_share_is_the_audits() -> None:
    rng = np.random.default_rng(1)
    rows = audited(rng.random(400) < 0.3, rng.random(400))
    assert tuned_weight(rows) < 0.1
    estimate = corrected(Group(4000, 2500.0, 4000, 2100.0), rows, 0.0, 0.95)
    assert estimate.share == pytest.approx(rows.truth.mean())
    assert estimate.method == "ppi++"


def test_an_archive_audited_whole_has_its_own_share_and_no_width() -> None:
    rng = np.random.default_rng(2)
    for n in (30, 600):
        truth = rng.random(n) < 0.4
        score = np.where(rng.random(n) < 0.8, truth, ~truth) * 0.8 + 0.1
        group = Group(n, float(score.sum()), n, float((score >= 0.5).sum()))
        estimate = corrected(group, audited(truth, score, 1.0), 1.0, 0.95)
        assert (estimate.low, estimate.share, estimate.high) == pytest.approx((truth.mean(),) * 3, abs=1e-9)


def test_good_scores_make_the_interval_narrower_and_no_error_seen_does_not_make_it_vanish() -> None:
    case = Case("", 0.2, "good", 800)
    rng = np.random.default_rng(3)
    archive = simulate(case, rng)
    at, chance, stratum = draw(case, archive, rng)
    rows = Audited(archive.truth[at], archive.content[at], archive.score[at], archive.counted[at], archive.given[at],
                   chance, stratum, archive.document[at])  # fmt: skip
    group, _ = sums(archive, at)
    with_scores, without = (corrected(group, rows, weight, 0.95) for weight in (tuned_weight(rows), 0.0))
    assert with_scores.high - with_scores.low < 0.6 * (without.high - without.low)
    right = audited([1] * 20 + [0] * 80, [0.9] * 20 + [0.1] * 80)
    estimate = corrected(Group(1000, 260, 1000, 200), right, 1.0, 0.95)
    assert estimate.method == "strata"
    assert 0.005 < estimate.high - estimate.low < 0.15


def test_residuals_sum_to_nothing_in_every_stratum() -> None:
    rng = np.random.default_rng(4)
    rows = audited(rng.random(60) < 0.5, rng.random(60))
    rows = Audited(**{**vars(rows), "stratum": np.repeat([0, 1, 2], 20), "chance": rng.uniform(0.1, 0.9, 60)})
    assert np.bincount(rows.stratum, residuals(rows, 0.4, 0.7)) == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("2015-10-14", "month", "2015-10"),
        ("2015-10-14T08:40:00Z", "day", "2015-10-14"),
        ("2015-10-14 23:30:00+05:00", "day", "2015-10-14"),
        ("14 October 2015", "week", "2015-W42"),
        ("October 2015", "month", "2015-10"),
        ("Oct 2015", "year", "2015"),
        ("Oct 2015", "day", None),
        ("Oct 14, 2015", "year", "2015"),
        ("Wed, 14 Oct 2015 08:40:00 GMT", "month", "2015-10"),
        ("20151014", "month", "2015-10"),
        ("2015-10", "month", "2015-10"),
        ("2015-10", "day", None),
        ("2015", "year", "2015"),
        ("2015", "month", None),
        ("03/04/2015", "month", None),
        ("yesterday", "day", None),
        ("", "day", None),
        (None, "day", None),
        (True, "day", None),
        (1444812000, "month", "2015-10"),
        (1444812000000, "month", "2015-10"),
        (date(2016, 1, 1), "week", "2015-W53"),
        (datetime(2015, 10, 14, 23), "day", "2015-10-14"),
    ],
)
def test_a_date_has_a_period(value: Any, unit: str, expected: str | None) -> None:
    assert period(value, unit) == expected


@pytest.mark.parametrize(
    ("unit", "periods"),
    [
        ("year", ("1999", "2000")),
        ("month", ("2014-12", "2015-01")),
        ("week", ("2015-W53", "2016-W01")),
        ("day", ("2016-02-29", "2016-03-01")),
    ],
)
def test_periods_that_follow_each_other_lie_one_apart(unit: str, periods: tuple[str, str]) -> None:
    first, second = (position(text, unit) for text in periods)
    assert first is not None and second == first + 1
    assert position("(none)", unit) is None


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `parastance` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> SimpleNamespace:
        status = main([str(argument) for argument in arguments])
        done = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=done.out, stderr=done.err)

    return call


def records(count: int = 400, seed: int = 0) -> list[dict[str, Any]]:
    """Records as `predict` writes them, eight paragraphs a document, two outlets, three months."""
    rng = random.Random(seed)
    rows = []
    for at in range(count):
        doc, outlet = f"d{at // 8}.txt", ("Alpha", "Beta & Söhne")[at // 8 % 2]
        right = rng.random() < (0.6 if outlet == "Alpha" else 0.2)
        content = rng.random() < 0.9
        p = round(rng.uniform(0.5, 1) if right else rng.uniform(0, 0.6), 4)
        rows.append(
            {
                "id": f"{doc}#{at}", "doc": doc, "text": f"Paragraph number {at} of the archive.",
                "kind": "content" if content else "boilerplate", "topics": ["diplomacy"] if content and p >= 0.5 else [],
                "topic_probabilities": {"diplomacy": p, "casualties": 0.01}, "stance": "neutral",
                "stance_probabilities": {"neutral": 0.9, "opposed": 0.1}, "target": "assad_government", "abstained": [],
                "model": "m@1", "outlet": outlet, "date": f"2015-0{1 + at // 8 % 3}-10", "truth": right and content,
            }
        )  # fmt: skip
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with OutputFile(str(path)) as writer:
        writer.write(rows)
    return path


def audit_of(rows: list[dict[str, Any]], path: Path, count: int = 120, **fields: Any) -> Path:
    chosen = random.Random(1).sample(rows, count)
    lines = [
        {**{name: row[name] for name in ("id", "text", "kind")}, "topics": ["diplomacy"] * row["truth"], **fields} for row in chosen
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def words_of(chart: Path) -> set[str | None]:
    return {element.text for element in ElementTree.parse(chart).getroot().iter("{http://www.w3.org/2000/svg}text")}


def test_an_audit_that_was_not_drawn_at_random_gives_itself_away(ask: Any, tmp_path: Path) -> None:
    rows = records()
    output = write(tmp_path / "out.jsonl", rows)
    picked = {
        "by outlet": [row for row in rows if row["outlet"] == "Alpha"],
        "by label": [row for row in rows if row["topics"]],
        "at random": rows,
    }
    for how, some in picked.items():
        audit = audit_of(some, tmp_path / "audit.jsonl", 60)
        done = ask("shares", output, "--by", "outlet", "--audit", audit, "--drawn", "paragraph")
        told = " ".join(done.stdout.split())
        assert ("does not look drawn at random" in told) == (how != "at random"), how
    chances = audit_of(picked["by label"], tmp_path / "audit.jsonl", 60, sampling_probability=0.2)
    assert "does not look" not in ask("shares", output, "--audit", chances).stdout


@pytest.mark.parametrize("part", [0.002, 0.05, 0.5, 0.97])
def test_chance_is_not_suspected(part: float) -> None:
    rng = np.random.default_rng(0)
    seen = rng.hypergeometric(int(part * 20_000), 20_000 - int(part * 20_000), 300, 20_000)
    assert not any(suspicion(300, 20_000, [("a", int(count), part * 20_000)]) for count in seen)
    assert suspicion(300, 20_000, [("a", int(300 * part + 60 if part < 0.9 else 230), part * 20_000)])


def test_shares_are_the_same_from_every_format(ask: Any, tmp_path: Path) -> None:
    rows = records()
    outputs = [write(tmp_path / f"out{ending}", rows) for ending in (".jsonl", ".csv", ".tsv", ".parquet")]
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(outputs[1].read_bytes()))
    parts = tmp_path / "parts"
    parts.mkdir()
    write(parts / "part-0.jsonl", rows[:150])
    write(parts / "part-1.parquet", rows[150:])
    (parts / "part-0.jsonl.rejects.jsonl").write_text('{"file": "x", "row": 1, "reason": "no text", "raw": {}}\n')
    audit = audit_of(rows, tmp_path / "audit.jsonl")
    found = []
    for output in (*outputs, packed, parts):
        done = ask("shares", output, "--by", "month", "--by", "outlet", "--audit", audit, "--json")
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    assert all(other == found[0] for other in found[1:])
    assert {group["group"]["month"] for group in found[0]["groups"]} == {"2015-01", "2015-02", "2015-03"}
    total = next(row for row in found[0]["total"] if row["label"] == "diplomacy")
    truth = sum(row["truth"] for row in rows) / sum(row["kind"] == "content" for row in rows)
    assert total["low"] <= truth <= total["high"]
    assert abs(total["share"] - truth) < abs(total["predicted"] - truth)


def test_tables_and_charts_by_group(ask: Any, tmp_path: Path) -> None:
    output = write(tmp_path / "out.jsonl", records())
    done = ask("shares", output, "--by", "outlet", "--by", "month", "-o", "s.csv", "-o", "s.svg", "-o", "s.json")
    assert done.returncode == 0
    assert "do not cover the classifier's errors" in done.stderr
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines[0] == "outlet,month,head,label,records,documents,audited,predicted,share,low,high,method"
    assert len(lines) == 1 + 2 * 3 * 6
    words = words_of(tmp_path / "s.svg")
    assert {"Alpha", "Beta & Söhne", "diplomacy (topics)", "2015-01", "2015-03"} <= words
    table = ask("shares", output, "--by", "outlet")
    assert "Beta & Söhne" in table.stdout and "diplomacy" in table.stdout


def test_a_chart_without_time_has_a_row_a_group(ask: Any, tmp_path: Path) -> None:
    rows = records()
    audit = audit_of(rows, tmp_path / "a.jsonl")
    done = ask("shares", write(tmp_path / "o.jsonl", rows), "--by", "outlet", "--audit", audit, "-o", "s.svg")
    assert done.returncode == 0
    words = words_of(tmp_path / "s.svg")
    assert {"all records", "Alpha", "Beta & Söhne", "diplomacy", "as the classifier counted"} <= words


def test_audited_rows_are_found_by_id_else_by_text_and_others_are_named(ask: Any, tmp_path: Path) -> None:
    rows = records(80)
    lines = [
        {"id": rows[0]["id"], "text": rows[0]["text"], "topics": []},
        {"text": "  Paragraph   number 1 of the archive. ", "topics": []},
        {"id": rows[2]["id"], "text": "Another text altogether.", "topics": []},
        {"id": "unknown", "text": "Nowhere to be found.", "topics": []},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = ask("shares", write(tmp_path / "o.jsonl", rows), "--audit", "a.jsonl", "--json")
    audit = json.loads(done.stdout)["audit"]
    assert audit == {"matched": 2, "unmatched": [rows[2]["id"], "unknown"], "not_random": 0}
    bare = write(tmp_path / "bare.jsonl", [{k: v for k, v in row.items() if k != "text"} for row in rows])
    assert json.loads(ask("shares", bare, "--audit", "a.jsonl", "--json").stdout)["audit"]["matched"] == 2


def test_only_rows_with_a_sampling_probability_are_a_random_sample(ask: Any, tmp_path: Path) -> None:
    rows = records()
    output = write(tmp_path / "o.jsonl", rows)
    plain = audit_of(rows, tmp_path / "plain.jsonl", 100)
    marked = audit_of(rows, tmp_path / "marked.jsonl", 100, sampling_probability=0.25)
    used = {json.loads(line)["id"] for line in marked.read_text().splitlines()}
    wrong = [{"id": r["id"], "text": r["text"], "topics": ["diplomacy"], "kind": "content"} for r in rows if r["id"] not in used]
    with marked.open("a") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in wrong[:80])
    ours, theirs = (json.loads(ask("shares", output, "--audit", file, "--json").stdout) for file in (marked, plain))
    assert ours["audit"]["not_random"] == 80
    assert ours["total"] == theirs["total"]


def test_without_kinds_the_audit_is_about_what_the_classifier_calls_content(ask: Any, tmp_path: Path) -> None:
    rows = records()
    audit = audit_of(rows, tmp_path / "a.jsonl", 400)
    stripped = [{k: v for k, v in json.loads(line).items() if k != "kind"} for line in audit.read_text().splitlines()]
    audit.write_text("".join(json.dumps(line) + "\n" for line in stripped))
    total = json.loads(ask("shares", write(tmp_path / "o.jsonl", rows), "--audit", audit, "--json").stdout)["total"]
    found = next(row for row in total if row["label"] == "diplomacy")
    truth = sum(row["truth"] for row in rows) / sum(row["kind"] == "content" for row in rows)
    assert (found["low"], found["share"], found["high"]) == pytest.approx((truth,) * 3, abs=1e-5)


def test_groups_without_audited_rows_have_no_corrected_share(ask: Any, tmp_path: Path) -> None:
    rows = records()
    audit = audit_of([row for row in rows if row["outlet"] == "Alpha"], tmp_path / "a.jsonl", 60)
    done = ask("shares", write(tmp_path / "o.jsonl", rows), "--by", "outlet", "--strata", "outlet", "--audit", audit, "--json")
    beta = [row for row in json.loads(done.stdout)["groups"] if row["group"]["outlet"] != "Alpha"]
    assert {row["method"] for row in beta} == {"unaudited"}
    assert all(row["share"] is row["low"] is None for row in beta)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where", "id=none"], "no record holds id=none"),
        (["--by", "colour"], "no record has a column `colour`; there are id, doc"),
        (["--by", "month", "--date-field", "when"], "no record has a column `when`"),
        (["-o", "s.png"], "the ending must be .csv, .json or .svg"),
        (["--where", "outlet"], "write COLUMN=VALUE"),
        (["--where", "outlet=Gamma"], "no record holds outlet=Gamma"),
        (["--strata", "outlet"], "name it with --audit"),
        (["--audit", "other.jsonl"], "none of the 1 audited rows is among the records"),
        (["--audit", "chance.jsonl"], "`sampling_probability` must be above 0 and at most 1, it is 7"),
        (["--audit", "absent.jsonl"], "no such file"),
        (["-o", "nowhere/s.csv"], "cannot be written"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(ask: Any, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "other.jsonl").write_text('{"text": "Something else.", "topics": []}\n')
    chance = {"text": "Paragraph number 1 of the archive.", "topics": [], "sampling_probability": 7}
    (tmp_path / "chance.jsonl").write_text(json.dumps(chance) + "\n")
    done = ask("shares", write(tmp_path / "o.jsonl", records(40)), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_input_that_is_no_output_is_refused_by_its_name(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "Unlabelled."}\n')
    done = ask("shares", "rows.jsonl")
    assert done.returncode == 2
    assert "rows.jsonl:1: no topics, stance or kind in it" in done.stderr


def test_a_run_that_is_not_finished_is_not_counted(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "parts" / "_run").mkdir(parents=True)
    write(tmp_path / "parts" / "a-00000.jsonl", records(40))
    assert ask("shares", "parts").returncode == 0
    (tmp_path / "parts" / "_run" / "ledger.jsonl").write_text("{}\n")
    done = ask("shares", "parts")
    assert done.returncode == 2
    assert "its run is not finished" in done.stderr


@settings(deadline=None)
@given(st.text(max_size=40), st.integers(1, 30))
def test_shortened_words_fit_and_words_that_fit_stay(text: str, room: int) -> None:
    short = shorten(text, room)
    assert cells(short) <= room
    assert short == text or cells(text) > room


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"topics": []}, 2),
        ({"topics": ["a"]}, 0),
        ({"topics": ["a"], "kind": "boilerplate", "stance": "s"}, 0),
        ({"kind": "content"}, 0),
        ({"stance": "s", "stance_probabilities": {"s": None}}, 0),
    ],
)
def test_the_smallest_archives(ask: Any, tmp_path: Path, row: dict[str, Any], status: int) -> None:
    (tmp_path / "o.jsonl").write_text(json.dumps({"id": "1", "text": "One paragraph.", **row}) + "\n")
    for more in ([], ["--audit", "o.jsonl"], ["--audit", "o.jsonl", "--population", "larger"], ["-o", "s.svg"], ["--by", "id"]):
        done = ask("shares", "o.jsonl", *more)
        assert done.returncode == status, done.stderr
        assert status == 0 or "no record has a label" in done.stderr


def test_long_names_stay_apart(ask: Any, tmp_path: Path) -> None:
    rows = [{**row, "outlet": f"The same long name of a newspaper, edition {at % 3}"} for at, row in enumerate(records(60))]
    table = ask("shares", write(tmp_path / "o.jsonl", rows), "--by", "outlet").stdout
    assert all(f"edition {at}" in table or f"tion {at}" in table for at in range(3))
    assert len({cells(line) for line in table.split("\n\n")[1].splitlines()[1:]}) == 1
