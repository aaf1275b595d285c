"""`parastance drift`: what changed is found, what chance did is not, and the drivers are the planted ones."""

import json
import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from parastance.predict.output_file import OutputFile
from parastance.train.adjust import benjamini_hochberg, holm
from parastance.train.cli import main
from parastance.train.drift import _bounds, difference
from parastance.train.permutation import Documents, Ratios
from parastance.train.summary import DocumentSample
from parastance.train.terms import TermCounts, log_odds

P = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)


@settings(deadline=None)
@given(P)
def test_corrected_p_values(p: Any) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p), abs=1e-12)
    order = np.argsort(p, kind="stable")
    steps = [min(1.0, max(p[order[j]] * (len(p) - j) for j in range(i + 1))) for i in range(len(p))]
    assert holm(p)[order] == pytest.approx(steps)


def documents(rng: Any, count: int, rate: float, spread: float) -> Any:
    """Sums of documents of eight paragraphs that have a label each with its document's own probability."""
    return np.stack([rng.binomial(8, np.clip(rng.normal(rate, spread, count), 0, 1)), np.full(count, 8)], axis=1).astype(float)


def p_value(old: Any, new: Any, seed: int, draws: int = 199) -> float:
    keys = ({at: at for at in range(len(old))}, {at + 10_000: at for at in range(len(new))})
    both = Documents.of((keys[0], old), (keys[1], new))
    _, p = both.p_values(Ratios(both, both.values[:, :1], both.values[:, 1:2]).statistic, draws, seed)
    return float(p[0])


def test_chance_is_called_chance_and_paragraphs_of_one_document_count_once() -> None:
    rng = np.random.default_rng(0)
    runs = [(documents(rng, 60, 0.3, 0.25), documents(rng, 40, 0.3, 0.25)) for _ in range(200)]
    clustered = [p_value(old, new, at) for at, (old, new) in enumerate(runs)]
    assert 0.01 <= np.mean(np.array(clustered) < 0.05) <= 0.10
    alone = []
    for at, (old, new) in enumerate(runs[:60]):  # the same paragraphs, each taken for a document of its own
        labels = [np.concatenate([np.repeat([1.0, 0.0], [int(y), 8 - int(y)]) for y, _ in side]) for side in (old, new)]
        rows = [np.stack([label, np.ones(len(label))], axis=1) for label in labels]
        alone.append(p_value(*rows, at, 99))
    assert np.mean(np.array(alone) < 0.05) > 0.12


def test_a_change_is_found() -> None:
    rng = np.random.default_rng(1)
    found = [p_value(documents(rng, 150, 0.2, 0.1), documents(rng, 150, 0.3, 0.1), at, 99) for at in range(20)]
    assert np.mean(np.array(found) < 0.05) > 0.9


def test_documents_in_both_runs_are_compared_with_themselves() -> None:
    rng = np.random.default_rng(2)
    old = documents(rng, 120, 0.4, 0.3)
    new = old.copy()
    new[:, 0] = np.minimum(8, new[:, 0] + (rng.random(120) < 0.15))
    keys = {at: at for at in range(120)}
    paired = Documents.of((keys, old), (keys, new))
    assert len(paired.pairs) == 120
    _, p = paired.p_values(Ratios(paired, paired.values[:, :1], paired.values[:, 1:2]).statistic, 499, 0)
    assert p[0] < 0.01 < 0.3 < p_value(old, new, 0)
    same = Documents.of((keys, old), (keys, old))
    assert same.p_values(Ratios(same, same.values[:, :1], same.values[:, 1:2]).statistic, 99, 0)[1][0] == 1.0


DIFFERENCES = [
    ("nothing known of one side", 0.4, 1.0, (0.35, 0.45), (0.0, 1.0), 0.0, (-0.4012, 0.65)),
    ("two independent shares (Newcombe 1998, table II: 56/70 and 48/80)", 48 / 80, 56 / 70, (0.4906, 0.7009), (0.6919, 0.8770), 0.0,
     (0.0524, 0.3339)),
    ("one and the same run", 0.3, 0.3, (0.2, 0.4), (0.2, 0.4), 1.0, (0.0, 0.0)),
    ("none in either", 0.0, 0.0, (0.0, 0.1), (0.0, 0.2), 0.0, (-0.1, 0.2)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "old", "new", "of_old", "of_new", "correlation", "expected"), DIFFERENCES)
def test_the_interval_of_a_difference(
    what: str, old: float, new: float, of_old: Any, of_new: Any, correlation: float, expected: Any
) -> None:
    assert difference(old, new, of_old, of_new, correlation) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("share", "counts"), [(0.05, (12, 40)), (0.3, (10, 10)), (0.9, (40, 15))])
def test_the_interval_covers_with_few_documents_and_rare_labels(share: float, counts: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        sides = [documents(rng, count, share, 0.02) for count in counts]
        summaries = [SimpleNamespace(documents=SimpleNamespace(below=1 << 64))] * 2
        both = Documents.of(*(({at + 1000 * place: at for at in range(len(side))}, side) for place, side in enumerate(sides)))
        ratios = Ratios(both, both.values[:, :1], both.values[:, 1:2])
        ((of_old, of_new, correlation),) = _bounds(ratios, tuple(summaries))
        rates = [side[:, 0].sum() / side[:, 1].sum() for side in sides]
        low, high = difference(*rates, of_old, of_new, correlation)
        hits += low <= 0 <= high
    assert hits / 300 > 0.92


def test_a_run_of_one_document_tells_nothing_and_says_so(ask: Any) -> None:
    done = ask(records(1), records(2, documents_of=1), "--json")
    found = json.loads(done.out)
    shares = [change for change in found["changes"] if change["kind"] == "share"]
    assert not found["changed"] and all(change["high"] - change["low"] >= 0.9 for change in shares if 0 < change["old"] < 1)
    assert any("1 document only" in note for note in found["notes"])


def test_the_terms_that_set_two_collections_apart() -> None:
    old, new = TermCounts(), TermCounts()
    for at in range(300):
        old.add({"the", "army", "village", f"name{at}"})
        new.add({"the", "army", "village" if at % 2 else "drone", f"name{at + 300}"})
    ranked = log_odds(old, new)
    assert [ranked[0][0], ranked[-1][0]] == ["drone", "village"]
    assert ranked[0][3:] == (0, 150)
    sure = {term for term, _, q, _, _ in ranked if q < 0.05}
    assert sure == {"drone", "village"}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcdefghijklmnop"), min_size=1), max_size=80))
def test_capped_counts_are_too_low_by_what_they_say(docs: list[set[str]]) -> None:
    counts, exact = TermCounts(most=3), Counter[str]()
    for doc in docs:
        counts.add(doc)
        exact.update(doc)
    assert counts.total == sum(exact.values())
    assert len(counts.counts) <= 2 * 3 + 16
    for term, count in exact.items():
        assert count - counts.missed <= counts.counts[term] <= count


def test_a_sample_of_documents_keeps_whole_documents_and_knows_how_many_there_are() -> None:
    rng = random.Random(0)
    keys = [rng.getrandbits(64) for _ in range(5000)]
    sample = DocumentSample(400)
    for start in range(0, 15_000, 100):
        part = [keys[at % 5000] for at in range(start, start + 100)]
        sample.add(part, np.ones((100, 1)))
    assert 200 <= len(sample.rows) <= 400
    assert set(sample.rows) == set(sorted(keys)[: len(sample.rows)])
    assert (sample.sums.whole(len(sample.rows), 1) == 3).all()
    assert sample.documents() == pytest.approx(5000, rel=0.2)


def records(
    seed: int, documents_of: int = 60, casualties: float = 0.2, word: str = "talks", text: bool = True
) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    rows = []
    for doc in range(documents_of):
        outlet = rng.choice(["alpha", "beta"])
        lean = rng.gauss(casualties if outlet == "alpha" else 0.2, 0.1)
        for at in range(6):
            hit = rng.random() < lean
            p = round(rng.uniform(0.6, 0.99) if hit else rng.uniform(0.01, 0.4), 4)
            words = rng.sample(["army", "city", "said", "official", "border", "village", "week", "envoy"], 4) + [word] * hit
            row = {
                "id": f"{seed}/{doc}#{at}", "doc": f"{seed}/{doc}.txt", "text": " ".join(words), "kind": "content",
                "topics": ["casualties"] * hit, "topic_probabilities": {"casualties": p, "diplomacy": 0.02}, "stance": "neutral",
                "stance_probabilities": {"neutral": 0.95, "opposed": 0.05}, "target": "assad_government", "abstained": [],
                "model": "m@1", "outlet": outlet,
            }  # fmt: skip
            if not text:
                del row["text"]
            rows.append(row)
    return rows


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Write two runs, compare them in this process, return what was printed."""
    monkeypatch.chdir(tmp_path)

    def call(old: list[dict[str, Any]], new: list[dict[str, Any]], *arguments: str, ending: str = ".jsonl") -> SimpleNamespace:
        for name, rows in (("old", old), ("new", new)):
            with OutputFile(name + ending) as writer:
                writer.write(rows)
        status = main(["drift", f"new{ending}", "--since", f"old{ending}", *arguments])
        done = capsys.readouterr()
        return SimpleNamespace(status=status, out=done.out, err=done.err)

    return call


def changed(found: dict[str, Any]) -> set[tuple[str, str | None]]:
    return {(change["kind"], change["label"]) for change in found["changes"] if change["changed"]}


def test_two_halves_of_one_archive_do_not_differ(ask: Any) -> None:
    done = ask(records(1), records(2), "--json", "--exit-code")
    found = json.loads(done.out)
    assert (done.status, found["changed"], changed(found)) == (0, False, set())
    assert {change["kind"] for change in found["changes"]} == {"share", "scores", "unknown_terms", "vocabulary"}


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_a_planted_change_is_found_with_its_term_and_its_source(ask: Any, ending: str) -> None:
    done = ask(records(1), records(2, casualties=0.8, word="qzxbomb"), "--json", "--exit-code", ending=ending)
    found = json.loads(done.out)
    assert done.status == 1
    assert {("share", "casualties"), ("scores", "casualties"), ("unknown_terms", None), ("vocabulary", None)} == changed(found)
    assert found["terms"]["risen"][0]["term"] == "qzxbomb"
    driver = found["drivers"][0]
    assert (driver["label"], driver["terms"][0]["term"]) == ("casualties", "qzxbomb")
    first, second = driver["sources"]["outlet"]
    assert first["source"] == "alpha"
    assert first["within"] > 5 * abs(second["within"])
    assert sum(row["mix"] + row["within"] for row in (first, second)) == pytest.approx(driver["difference"], abs=1e-5)
    share = next(change for change in found["changes"] if change["kind"] == "share" and change["label"] == "casualties")
    assert share["low"] < share["new"] - share["old"] == pytest.approx(share["difference"], abs=2e-6)


def test_without_text_the_rest_is_compared_and_it_says_so(ask: Any) -> None:
    done = ask(records(1, text=False), records(2, casualties=0.8, text=False))
    assert done.status == 0
    assert "no text (--no-text)" in " ".join(done.out.split())
    assert "* casualties (topics)" in done.out
    assert "vocabulary (" not in done.out


def test_another_model_is_named_as_a_reason(ask: Any) -> None:
    other = [{**row, "model": "m@2"} for row in records(1)]
    done = ask(records(1), other)
    assert "different models (m@1 and m@2)" in done.out
    assert "60 documents are in both" in done.out


def test_what_only_one_run_speaks_of_is_not_compared(ask: Any) -> None:
    bare = [{key: row[key] for key in ("id", "doc", "text", "topics", "outlet")} for row in records(1)]
    done = ask(bare, records(2), "--json")
    found = json.loads(done.out)
    assert {change["head"] for change in found["changes"]} == {"topics", None}
    assert not any(change["kind"] == "scores" for change in found["changes"])
    assert "only one run has kind and stance: not compared" in found["notes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "absent.jsonl"], "no such file"),
        (["--by", "colour"], "no record has a column `colour`"),
        (["--model", "nowhere"], "no such model folder"),
        (["-o", "drift.csv"], "the ending must be .json"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(ask: Any, arguments: list[str], message: str) -> None:
    done = ask(records(1, 5), records(2, 5), *arguments)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1
