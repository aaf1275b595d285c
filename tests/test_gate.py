"""The gate: made-up answers of two models in, checks out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.train.gate import Limits, calibration_checks, disputed, f1_checks, floor_checks
from parastance.train.pairs import HeadPair, Pairs
from parastance.train.promote import split

LIMITS = Limits()


def answers(truth: Any, error: float, seed: int) -> Any:
    """Return the truth with a share of it turned over."""
    return truth ^ (np.random.default_rng(seed).random(truth.shape) < error)


def pair(n: int = 2000, new: float = 0.05, old: float = 0.05, labels: tuple[str, ...] = ("a", "b"), same: bool = False) -> HeadPair:
    """Return two models' answers to n rows in n / 2 groups, with the given shares of wrong ones."""
    truth = np.random.default_rng(0).random((n, len(labels))) < 0.3
    given = answers(truth, new, 1), answers(truth, old, 1 if same else 2)
    p = tuple(np.where(said, 0.95, 0.05) for said in given)
    return HeadPair(labels, np.arange(n), np.arange(n) // 2, truth, given, p)


CASES = [
    ("the same answers", pair(same=True), ""),
    ("the same answers to few rows", pair(n=60, same=True), ""),
    ("better", pair(new=0.03, old=0.08), ""),
    ("worse by far", pair(new=0.15), "F1 fell from"),
    ("a little worse, and the rows cannot tell", pair(n=80, new=0.05, old=0.05), "cannot rule out a loss"),
    ("no row has the label", pair(n=6), "too few to compare"),
]


@pytest.mark.parametrize(("what", "pair", "reason"), CASES, ids=[case[0] for case in CASES])
def test_f1_must_be_shown_not_to_be_worse(what: str, pair: HeadPair, reason: str) -> None:
    found = [check.reason for check in f1_checks("topics", pair, LIMITS)]
    assert all(reason in line if reason else not line for line in found), found
    assert len(found) == 2


def test_a_wider_margin_lets_a_small_loss_pass() -> None:
    slightly = pair(n=6000, new=0.06, old=0.05)
    assert all(check.reason for check in f1_checks("topics", slightly, Limits(margin=0.0)))
    assert not any(check.reason for check in f1_checks("topics", slightly, Limits(margin=0.05)))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 0.4), st.floats(0.0, 0.4))
def test_who_passes_is_not_worse_by_more_than_the_margin(new: float, old: float) -> None:
    for check in f1_checks("topics", pair(n=600, new=new, old=old), LIMITS):
        assert check.candidate is not None and check.in_use is not None
        if check.passed:
            assert check.candidate - check.in_use > -LIMITS.margin
        if check.candidate - check.in_use < -LIMITS.margin:
            assert not check.passed


@pytest.mark.parametrize(
    ("error", "floor", "before", "reason"),
    [
        (0.05, None, None, ""),
        (0.60, None, None, "giving the label to every row"),
        (0.60, None, 0.60, ""),
        (0.60, None, 0.10, "giving the label to every row"),
        (0.05, 0.95, None, "below the floor of 0.950"),
        (0.05, 0.50, None, ""),
    ],
)
def test_floors(error: float, floor: float | None, before: float | None, reason: str) -> None:
    truth = np.random.default_rng(0).random((500, 1)) < 0.3
    old = None if before is None else answers(truth, before, 1)
    (check,) = floor_checks("topics", ["a"], truth, answers(truth, error, 1), old, Limits(floor=floor))
    assert reason in check.reason if reason else not check.reason


def test_probabilities_must_keep_their_meaning() -> None:
    good = pair(same=True)
    bad = replace(good, probability=(good.probability[0] * 0.6, good.probability[1]))
    assert not any(check.reason for check in calibration_checks("topics", good, LIMITS))
    found = list(calibration_checks("topics", bad, LIMITS))
    assert all("calibration error grew" in check.reason for check in found)
    for check in found:
        assert check.interval and check.candidate is not None and check.in_use is not None
        assert 0 < check.interval[0] < check.candidate - check.in_use < check.interval[1]
    slightly = replace(good, probability=(bad.probability[0] * 0.99, bad.probability[0]))
    assert not any(check.reason for check in calibration_checks("topics", slightly, LIMITS)), "hardly worse"
    back = replace(bad, probability=bad.probability[::-1])
    assert not any(check.reason for check in calibration_checks("topics", back, LIMITS)), "no worse than what is in use"


def test_rows_that_the_two_trainings_label_differently_are_counted() -> None:
    assert [bool(check.reason) for share in (50, 150) for check in disputed(Pairs({}, 1000, 9, share, 0, ""), LIMITS)] == [
        False, True,
    ]  # fmt: skip


def test_a_label_is_judged_where_it_has_rows() -> None:
    few, many = pair(n=20), pair(n=2000, labels=("a", "b", "c"))
    here, there = split({"topics": few}, {"topics": many, "stance": many}, 10)
    assert (here.get("topics"), there["topics"].labels, there["stance"].labels) == (None, ("a", "b"), ("a", "b", "c"))
    here, there = split({"topics": many}, {"topics": few}, 10)
    assert (here["topics"].labels, there) == (("a", "b", "c"), {})
    here, there = split({"topics": few}, {}, 10)
    assert here["topics"].labels == ("a", "b")
