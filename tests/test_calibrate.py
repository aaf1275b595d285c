"""Probabilities and cut-offs from out-of-fold scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.predict.heads import Head
from parastance.predict.metrics import calibration_error, equal_mass_error, label_scores, reliability
from parastance.predict.scorer import sigmoid, softmax
from parastance.train.calibrate import Calibration, fit_curve, fit_sigmoid, fit_softmax
from parastance.train.cutoffs import FLAT, best_cut, best_offsets
from parastance.train.decisions import Sample, choose_curves, crossed, decisive_head

random = np.random.default_rng(0)


def test_a_sigmoid_is_found_again() -> None:
    scores = random.normal(size=20000) * 3
    truth = random.random(20000) < sigmoid(0.7 * scores - 1.0)
    slope, shift = fit_sigmoid(scores, truth)
    assert slope == pytest.approx(0.7, abs=0.05)
    assert shift == pytest.approx(-1.0, abs=0.08)
    assert calibration_error(truth, sigmoid(slope * scores + shift)) < 0.025


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


def scored(seed: int, n: int = 6000, bend: bool = False, exclusive: bool = False) -> Sample:
    """Scores whose true probabilities are a sigmoid of them, or a bent curve that no sigmoid is."""
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=(n, 2)) * 2
    p = sigmoid(scores)
    p = np.where(p < 0.7, p * 0.3, 0.9) if bend else p
    truth = draw.random((n, 2)) < p
    if exclusive:
        scores[:, 1] = 0.0
        truth[:, 1] = ~truth[:, 0]
    fold = np.arange(n) % 5
    return Sample(("a", "b"), exclusive, 0, scores, truth, fold, np.arange(n), np.full(n, "written"), np.ones(n))


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_curve_is_chosen_where_it_is_needed(exclusive: bool) -> None:
    assert choose_curves(scored(1, bend=True, exclusive=exclusive)) == [True, True]
    assert choose_curves(scored(1, exclusive=exclusive)) == [False, False]


def test_few_rows_get_no_curve() -> None:
    sample = scored(2, n=300, bend=True)
    assert fit_curve(sigmoid(sample.scores[:, 0]), sample.truth[:, 0]) is None or sample.truth[:, 0].sum() >= 100
    assert Calibration(sample.scores[:150], sample.truth[:150], False, [True, True]).curves == [None, None]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.floats(0, 3))
def test_probabilities_rise_with_their_score(seed: int, exclusive: bool, step: float) -> None:
    head = decisive_head(scored(seed, 1200, True, exclusive), [True, True])
    assert any(curve is not None for curve in head.curves)
    scores = np.random.default_rng(seed).normal(size=(50, 2)) * 3
    low = head.probabilities(scores)
    scores[:, 0] += step
    high = head.probabilities(scores)
    assert np.all(high[:, 0] >= low[:, 0] - 1e-12)
    assert np.all((low > 0) & (low < 1))
    if exclusive:
        assert np.allclose(low.sum(axis=1), 1)


def test_a_curve_survives_the_artifact() -> None:
    sample = scored(3, bend=True)
    head = decisive_head(sample, [True, False])
    again = Head.from_artifact(head.to_artifact())
    assert np.array_equal(again.probabilities(sample.scores), head.probabilities(sample.scores))
    assert [curve is None for curve in again.curves] == [False, True]
    older = {key: value for key, value in decisive_head(sample).to_artifact().items() if key not in ("curves", "wanted")}
    found = Head.from_artifact(older).probabilities(sample.scores)
    assert np.array_equal(found, decisive_head(sample).probabilities(sample.scores))


def test_a_fold_is_judged_by_the_others_alone() -> None:
    sample = scored(4, 1500, bend=True)
    said = crossed(sample, 0.9)
    flipped = sample.truth.copy()
    flipped[sample.fold == 2] ^= True
    other = crossed(Sample(**{**sample.__dict__, "truth": flipped}), 0.9)
    same = sample.fold == 2
    assert np.array_equal(said.probability[same], other.probability[same])
    assert np.array_equal(said.given[same], other.given[same])
    assert not np.array_equal(said.probability[~same], other.probability[~same])


def test_crossed_probabilities_mean_what_they_say() -> None:
    sample = scored(5, 6000, bend=True)
    said = crossed(sample, 0.9)
    for at in range(2):
        assert calibration_error(sample.truth[:, at], said.probability[:, at]) < 0.025
        straight = Calibration(sample.scores, sample.truth, False).straight(sample.scores)
        assert calibration_error(sample.truth[:, at], straight[:, at]) > 0.03


def test_errors_and_bins() -> None:
    p, truth = np.repeat([0.05, 0.85], 100), np.arange(200) % 100 < np.repeat([5, 65], 100)
    assert calibration_error(truth, p) == pytest.approx(0.1)
    assert equal_mass_error(truth, p) == pytest.approx(0.1)
    assert reliability(truth, p) == [
        {"rows": 100, "said": pytest.approx(0.05), "true": pytest.approx(0.05)},
        {"rows": 100, "said": pytest.approx(0.85), "true": pytest.approx(0.65)},
    ]
    assert equal_mass_error(np.zeros(0, bool), np.zeros(0)) == 0.0
