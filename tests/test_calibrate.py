"""Probabilities, cut-offs and certified levels from out-of-fold scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.predict.metrics import calibration_error, label_scores
from parastance.predict.scorer import sigmoid, softmax
from parastance.train.calibrate import FLAT, best_cut, best_offsets, certify, fit_sigmoid, fit_softmax

random = np.random.default_rng(0)


def test_a_sigmoid_is_found_again() -> None:
    scores = random.normal(size=20000) * 3
    truth = random.random(20000) < sigmoid(0.7 * scores - 1.0)
    slope, shift = fit_sigmoid(scores, truth)
    assert slope == pytest.approx(0.7, abs=0.05)
    assert shift == pytest.approx(-1.0, abs=0.08)
    assert calibration_error(truth, sigmoid(slope * scores + shift)) < 0.02


def test_a_softmax_is_found_again() -> None:
    scores = random.normal(size=(20000, 3)) * 2
    p = softmax(0.5 * scores + np.array([0.0, 1.0, -0.5]))
    truth = (random.random((20000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    slope, shift = fit_softmax(scores, truth)
    assert slope[0] == pytest.approx(0.5, abs=0.04)
    assert shift - shift[0] == pytest.approx([0.0, 1.0, -0.5], abs=0.1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=25, max_size=80))
def test_the_cut_is_the_best_one(pairs: list[tuple[int, bool]]) -> None:
    p, truth = np.array([a / 20 for a, _ in pairs]), np.array([b for _, b in pairs])
    cut = best_cut(p, truth)
    if truth.sum() < 10:
        assert cut == 0.5
        return
    best = max(label_scores(truth, p >= at)["f1"] for at in np.unique(p))
    assert label_scores(truth, p >= cut)["f1"] >= best - FLAT - 1e-9


def test_offsets_help_the_rare_label() -> None:
    truth = (random.random(4000) < 0.08).astype(int)
    p = sigmoid(1.5 * (2 * truth - 1) + random.normal(size=4000) * 1.5 - 1.5)
    both = np.column_stack([1 - p, p])
    offsets = best_offsets(both, truth, reference=0)

    def f1(shift: np.ndarray) -> float:
        return float(label_scores(truth == 1, (np.log(both) + shift).argmax(axis=1) == 1)["f1"])

    assert offsets[0] == 0
    assert f1(offsets) > f1(np.zeros(2))


def test_certified_precision_holds_in_19_of_20_samples() -> None:
    """The promise itself, by simulation: the true precision above the level is at least 0.90."""
    broken = certified = 0
    for seed in range(300):
        sample = np.random.default_rng(seed)
        p = sample.random(1000)
        truth = sample.random(1000) < p**0.3  # more often right than it says
        level = certify(p, truth, np.ones(1000, dtype=bool))
        if np.isnan(level):
            continue
        certified += 1
        x = np.linspace(level, 1, 2000)
        broken += bool(np.mean(x**0.3) < 0.90)
    assert certified > 270
    assert broken <= 0.05 * 300


def test_too_few_rows_certify_nothing() -> None:
    ones = np.ones(20)
    assert np.isnan(certify(ones, ones.astype(bool), ones.astype(bool)))
    many = np.ones(40)
    assert certify(many, many.astype(bool), many.astype(bool)) == 0.05
