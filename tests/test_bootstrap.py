"""Intervals over groups: the same scores as elsewhere, the right width, and pairs that cancel what they share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.predict.metrics import head_scores
from parastance.train.bootstrap import (
    confusion,
    drawn_figures,
    figures,
    group_sums,
    head_intervals,
    interval,
    resampled,
)

Rows = list[tuple[int, bool, bool, bool, bool]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), *[st.booleans()] * 4), min_size=1, max_size=40))
def test_the_figures_of_all_groups_are_the_scores(rows: Rows) -> None:
    table = np.array(rows)
    groups, truth, got = table[:, 0], table[:, 1:3].astype(bool), table[:, 3:].astype(bool)
    whole = figures(group_sums(groups, confusion(truth, got)).sum(axis=0, keepdims=True))
    scores = head_scores(["a", "b"], truth, got, got.astype(float), got, exclusive=False)
    assert np.nan_to_num(whole.macro_f1[0]) == pytest.approx(scores["macro_f1"])
    assert np.nan_to_num(whole.micro_f1[0]) == pytest.approx(scores["micro_f1"])
    assert whole.accuracy[0] == pytest.approx((truth == got).all(axis=1).mean())
    for at, name in enumerate("ab"):
        for key in ("precision", "recall", "f1"):
            assert np.nan_to_num(getattr(whole, key)[0, at]) == pytest.approx(scores["per_label"][name][key])


def test_draws_are_of_whole_groups_and_repeat_by_seed() -> None:
    sums = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    totals = resampled(sums, 500, seed=3)
    assert np.array_equal(totals[:, 1], 10 * totals[:, 0])
    assert set(np.unique(totals[:, 0])) <= set(range(3, 10))
    assert np.array_equal(totals, resampled(sums, 500, seed=3))
    assert not np.array_equal(totals, resampled(sums, 500, seed=4))


def test_draws_in_blocks_are_the_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = np.arange(20.0).reshape(10, 2)
    whole = resampled(sums, 101)
    monkeypatch.setattr("parastance.train.bootstrap.BLOCK", 70)
    assert np.array_equal(resampled(sums, 101), whole)


def sample(seed: int, groups: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups that are right together: each has its own share of right rows, drawn around 0.8."""
    random = np.random.default_rng(seed)
    share = random.beta(4, 1, groups)
    right = random.random((groups, size)) < share[:, None]
    truth = random.random((groups, size)) < 0.5
    owner = np.repeat(np.arange(groups), size)
    flat = truth.ravel()
    return owner, np.column_stack([flat, ~flat]), np.where(right.ravel(), flat, ~flat)


def test_the_interval_covers_where_rows_cluster() -> None:
    """95% intervals of accuracy over clustered rows hold the true 0.8 in about 95% of samples; row by row they would not."""
    covered = alone = 0
    for seed in range(120):
        owner, truth, got = sample(seed, 120, 10)
        given_ = np.column_stack([got, ~got])
        by_group = head_intervals(["y", "n"], owner, truth, given_, True, 300, seed)["accuracy"]
        by_row = head_intervals(["y", "n"], np.arange(len(owner)), truth, given_, True, 300, seed)["accuracy"]
        covered += by_group[0] <= 0.8 <= by_group[1]
        alone += by_row[0] <= 0.8 <= by_row[1]
    assert 107 <= covered <= 119
    assert alone < 105


def test_pairs_cancel_what_they_share() -> None:
    owner, truth, got = sample(1, 100, 10)
    better = got.copy()
    wrong = np.flatnonzero(got != truth[:, 0])[::5]
    better[wrong] = truth[wrong, 0]
    a, b = drawn_figures(owner, truth, [np.column_stack([x, ~x]) for x in (better, got)], 400)
    low, high = interval((a - b).accuracy)
    assert 0 < low < high
    apart = [interval(x.accuracy) for x in (a, b)]
    assert apart[1][1] > apart[0][0], "judged apart they could be equal"
    assert high - low < (apart[0][1] - apart[0][0]) / 2
    same, again = drawn_figures(owner, truth, [truth, truth], 50)
    assert not np.any((same - again).macro_f1)


def test_what_is_undefined_has_no_interval() -> None:
    truth = np.array([[True, False]] * 6)
    scores = head_intervals(["used", "never"], np.arange(6), truth, truth, False, 50)
    assert scores["per_label"]["never"] == {"precision": None, "recall": None, "f1": None}
    assert scores["macro_f1"] == scores["micro_f1"] == (1.0, 1.0)
    none = np.zeros((0, 2), dtype=bool)
    assert head_intervals(["a", "b"], np.arange(0), none, none, False, 50)["macro_f1"] is None
