"""Held out by outlet, war, year: nothing of a test value in training, wire copy neither; weak spots and the card from it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.train import folds
from parastance.train.bootstrap import head_intervals
from parastance.train.card import write_card
from parastance.train.config import Config
from parastance.train.data import labelled_row
from parastance.train.evaluate import BROKEN, HOLDS, NONE, OPEN, promise
from parastance.train.fit import Fitted, fit
from parastance.train.folds import CROWD, join_groups, near_duplicates, similarity
from parastance.train.reliability import reliability_plot
from parastance.train.run import train
from parastance.train.slices import field_values, slice_folds, year_of

YEARS = [("2015", "2015"), ("March 2014", "2014"), ("2019-04-01", "2019"), (2016, "2016"), ("spring", ""), ("120150", "")]


@pytest.mark.parametrize(("value", "year"), YEARS)
def test_the_year_of_a_date(value: Any, year: str) -> None:
    assert year_of(value) == year


def test_fields_that_say_nothing_are_no_value() -> None:
    rows = [{"outlet": "Reuters"}, {"source": "AP "}, {"outlet": "unstated"}, {"outlet": None, "publisher": "SANA"}, {}]
    assert field_values(rows, "outlet") == ["Reuters", "AP", "", "SANA", ""]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.integers(0, 30)), min_size=120, max_size=200),
    st.integers(2, 5), st.booleans(),
)  # fmt: skip
def test_no_value_and_no_group_stands_on_both_sides(rows: list[tuple[str, int]], count: int, in_order: bool) -> None:
    values, groups = [value for value, _ in rows], np.array([group for _, group in rows])
    tested = []
    for train_rows, test_rows in slice_folds(values, groups, count, in_order):
        assert not {values[at] for at in train_rows} & {values[at] for at in test_rows}
        assert not set(groups[train_rows]) & set(groups[test_rows])
        tested += test_rows.tolist()
    if tested:
        assert sorted(tested) == [at for at, value in enumerate(values) if value]


def test_years_are_held_out_in_runs() -> None:
    values = [str(2010 + at // 20) for at in range(200)]
    splits = slice_folds(values, np.arange(200), 4, in_order=True)
    assert len(splits) == 4
    ends = [(min(values[at] for at in test), max(values[at] for at in test)) for _, test in splits]
    assert all(before[1] < after[0] for before, after in zip(ends, ends[1:], strict=False))


def story(seed: int, words: int = 40) -> list[str]:
    return ["".join("abcdefghij"[int(digit)] for digit in str(n)) for n in np.random.default_rng(seed).integers(1000, 9999, words)]


def test_a_wire_story_in_a_hundred_papers_is_one_group() -> None:
    wire = story(0)
    copies = [" ".join([*wire, "paper", *story(1000 + at, 1)]) for at in range(3 * CROWD)]
    texts = copies + [" ".join(story(at)) for at in range(1, 50)]
    groups = join_groups([str(at) for at in range(len(texts))], near_duplicates(texts))
    assert len(set(groups[: 3 * CROWD])) == 1
    assert len(set(groups)) == 50


def test_a_formula_in_many_papers_joins_nothing() -> None:
    texts = ["Read more on our pages"] * (2 * CROWD)
    assert near_duplicates(texts) == []
    assert len(near_duplicates(texts[:5])) == 10


def test_near_duplicates_compare_pairs_by_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five times the rows, one of them in a fifth of the papers, may take some five times the comparisons."""

    def compared(count: int) -> int:
        texts = [" ".join([*story(0 if at % 5 == 0 else at % (count // 3)), *story(10_000 + at, 1)]) for at in range(count)]
        calls = []
        monkeypatch.setattr(folds, "similarity", lambda a, b: (calls.append(1), similarity(a, b))[1])
        near_duplicates(texts)
        return len(calls)

    small = compared(500)
    assert 0 < small < 500 * 499 / 20
    assert compared(2500) < 6 * small


@pytest.fixture(scope="module")
def sliced() -> tuple[Fitted, Config]:
    """A model that is good on one outlet and blind on another, whose words mean the opposite."""
    random = np.random.default_rng(0)
    rows = []
    for at in range(360):
        outlet, good = ("Odd", "Plain", "Third")[at % 3], at % 2 == 0
        word = ("gain", "loss")[good if outlet == "Odd" else not good]
        text = f"{word} of the {' '.join(f'n{n}' for n in random.integers(0, 60, 4))} day"
        stance = "good" if good else "bad"
        rows.append(labelled_row({"text": text, "stance": stance, "outlet": outlet, "group": f"g{at // 2}"}, f"r{at}"))
    config = Config(folds=3, regularisation=(3.0,), notions=False, slices=True)
    return fit(rows, config), config


def test_an_outlet_that_differs_is_a_weak_spot_and_scores_low_held_out(sliced: tuple[Fitted, Config]) -> None:
    from parastance.train.validation import validate

    metrics = validate(*sliced)
    worst = metrics["weak_spots"]["stance"]["worst"]
    assert {(spot["by"], spot["value"]) for spot in worst} == {("outlet", "Odd")}
    held = metrics["held_out"]["outlet"]["stance"]
    assert held["n"] == 360
    assert held["macro_f1"] <= held["macro_f1_by_group"] + 0.05
    assert set(metrics["held_out"]) == {"outlet"}
    scores = metrics["cross_validated"]["stance"]
    low, high = scores["intervals"]["macro_f1"]
    assert low < scores["macro_f1"] < high
    for label in scores["per_label"].values():
        assert set(label["intervals"]) >= {"precision", "recall", "f1", "calibration_error", "coverage"}


def test_the_card_says_all_of_it(sliced: tuple[Fitted, Config], tmp_path: Path) -> None:
    import json

    from parastance.train.save import save

    fitted, config = sliced
    save(fitted, config, tmp_path / "m")
    manifest, metrics = (json.loads((tmp_path / "m" / name).read_text()) for name in ("manifest.json", "metrics.json"))
    card = (tmp_path / "m" / "card.md").read_text()
    assert write_card(manifest, metrics) == card
    titles = [line for line in card.splitlines() if line.startswith("## ")]
    wanted = ("Intended use", "Data", "Figures", "Held out", "Known weak spots", "Certified at precision 0.90", "Calibration")
    assert all(any(title.startswith(f"## {name}") for title in titles) for name in wanted)
    assert "| outlet: Odd | " in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    for before, after in zip(rows, rows[1:], strict=False):
        if after.startswith("| ---"):
            assert before.count("|") == after.count("|")


def test_training_says_what_it_could_not_certify(tmp_path: Path) -> None:
    lines = [f'{{"text": "word{at % 4} of day {at}", "stance": "{"ab"[at % 2]}", "group": "{at}"}}' for at in range(40)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    config = Config(folds=2, regularisation=(3.0,), notions=False, precision=0.97)
    text = train([str(tmp_path / "rows.jsonl")], [], tmp_path / "m", config, quiet=True)
    assert "a: no level is certified at precision 0.97" in text


PROMISES = [(60, 60, 0.9, HOLDS), (30, 60, 0.9, BROKEN), (9, 10, 0.9, OPEN), (0, 0, 0.9, OPEN), (60, 60, float("nan"), NONE)]


@pytest.mark.parametrize(("right", "rows", "level", "verdict"), PROMISES)
def test_a_promise_is_checked(right: int, rows: int, level: float, verdict: str) -> None:
    found = promise(np.arange(rows) < right, np.arange(rows), 0.9, level)
    assert found["verdict"] == verdict
    assert found["lower"] <= (right / rows if rows else 0.5) <= found["upper"]


def test_the_plot_puts_its_marks_where_they_belong() -> None:
    lines = reliability_plot("a", [{"rows": 100, "said": 0.1, "true": 0.1}, {"rows": 400, "said": 0.8, "true": 0.6}])
    axis = lines[0].index("0    ")
    assert lines[1][axis + 5] == "*"
    assert lines[2][axis + 30] == "o"
    assert lines[2][axis + 40] == "|"
    assert lines[2][axis + 29] == lines[2][axis + 31] == "-"


def test_intervals_narrow_with_more_groups() -> None:
    truth = np.tile([[True, False], [False, True]], (200, 1))
    said = truth.copy()
    said[::7] = ~said[::7]
    wide = head_intervals(["a", "b"], np.arange(400) // 40, truth, said, True)["accuracy"]
    narrow = head_intervals(["a", "b"], np.arange(400), truth, said, True)["accuracy"]
    assert narrow[0] < 1 - 1 / 7 < narrow[1]
    assert wide != narrow
