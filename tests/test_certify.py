"""Certified precision: the promise itself by simulation, against SciPy and MAPIE, with articles, with two origins."""

import numpy as np
import pytest
from scipy.stats import binomtest

from parastance.train.certify import (
    CONFIDENCE,
    LEVELS,
    Certificate,
    certify,
    design_effect,
    lower_bound,
    shortfall,
    upper_bound,
)

ALL = np.ones(1000, dtype=bool)


def drawn(seed: int, n: int = 1000, power: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and truths; a label is right more often than it says."""
    sample = np.random.default_rng(seed)
    p = sample.random(n)
    return p, sample.random(n) < p**power


def test_certified_precision_holds_in_19_of_20_samples() -> None:
    """The promise itself: the true precision above the level is at least 0.90."""
    broken = certified = 0
    for seed in range(300):
        level = certify(*drawn(seed), ALL).level
        if np.isnan(level):
            continue
        certified += 1
        x = np.linspace(level, 1, 2000)
        broken += bool(np.mean(x**0.3) < 0.90)
    assert certified > 270
    assert broken <= 0.05 * 300


def clustered(seed: int, groups: int = 60, size: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """(groups, right): every article is right throughout, or wrong in about three rows of four; precision 0.9 over all."""
    sample = np.random.default_rng(seed)
    bad = sample.random(groups) < 2 / 15
    right = sample.random((groups, size)) >= np.where(bad, 0.75, 0.0)[:, None]
    return np.repeat(np.arange(groups), size), right.ravel()


def test_articles_that_err_together_are_not_many_rows() -> None:
    """At a true precision of 0.8999 a level may be certified in one sample of twenty; taking rows as independent does it often."""
    by_group = by_row = 0
    for seed in range(200):
        groups, right = clustered(seed)
        p = np.full(len(right), 0.995)
        every = np.ones(len(right), dtype=bool)
        by_row += not np.isnan(certify(p, right, every).level)
        by_group += not np.isnan(certify(p, right, every, groups=groups).level)
    assert by_row > 30
    assert by_group <= 20


@pytest.mark.parametrize(("right", "total"), [(0, 5), (5, 5), (29, 29), (28, 29), (450, 480), (1, 1)])
def test_bounds_are_those_of_scipy(right: int, total: int) -> None:
    low = binomtest(right, total, alternative="greater").proportion_ci(CONFIDENCE, method="exact").low
    high = binomtest(right, total, alternative="less").proportion_ci(CONFIDENCE, method="exact").high
    assert lower_bound(right, total) == pytest.approx(low)
    assert upper_bound(right, total) == pytest.approx(high)


@pytest.mark.parametrize("wanted", [0.8, 0.9])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mapie_finds_the_same_level_by_the_same_tests(wanted: float) -> None:
    """MAPIE's fixed-sequence procedure on exact p-values; and its controller, whose p-values are looser, never goes lower."""
    control = pytest.importorskip("mapie.risk_control")
    found = 0
    for seed in range(10):
        p, truth = drawn(seed, 4000, 0.25)
        every = np.ones(4000, dtype=bool)
        level = certify(p, truth, every, wanted).level
        tested = [at for at in LEVELS if (p >= at).sum() >= 100]
        exact = [binomtest(int(truth[p >= at].sum()), int((p >= at).sum()), wanted, "greater").pvalue for at in tested]
        passed = control.FWERFixedSequenceTesting().run(np.array(exact), 1 - CONFIDENCE)
        assert level == (tested[max(passed)] if len(passed) else pytest.approx(float("nan"), nan_ok=True))
        controller = control.BinaryClassificationController(
            lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]), control.precision, target_level=wanted,
            confidence_level=CONFIDENCE, list_predict_params=np.array(tested), fwer_method="fixed_sequence",
        )  # fmt: skip
        valid = np.asarray(controller.calibrate(p[:, None], truth.astype(int)).valid_predict_params)
        if len(valid):
            found += 1
            assert valid.min() >= level
    assert found > 6


def test_too_few_rows_certify_nothing_and_say_what_is_missing() -> None:
    ones = np.ones(20, dtype=bool)
    few = certify(np.ones(20), ones, ones)
    assert np.isnan(few.level)
    assert few.missing == 9, "29 right ones in a row pass at 0.90"
    assert "about 9 more labelled rows" in shortfall(few.to_json())
    many = np.ones(40, dtype=bool)
    assert certify(np.ones(40), many, many).level == 0.05


def test_the_estimate_of_what_is_missing_is_about_right() -> None:
    """With as many rows more as were said to be missing, drawn alike, about half of the samples are certified."""
    passed = tried = 0
    for seed in range(60):
        sample = np.random.default_rng(seed)
        right = sample.random(60) < 0.95
        found = certify(np.full(60, 0.995), right, np.ones(60, dtype=bool))
        if found.missing is None or right.mean() != pytest.approx(0.95, abs=0.02):
            continue
        tried += 1
        more = np.concatenate([right, sample.random(found.missing) < right.mean()])
        passed += not np.isnan(certify(np.full(len(more), 0.995), more, np.ones(len(more), dtype=bool)).level)
    assert tried > 10
    assert 0.25 < passed / tried < 0.85


def test_what_is_never_precise_enough_has_no_estimate() -> None:
    right = np.arange(500) % 5 > 0
    found = certify(np.full(500, 0.9), right, np.ones(500, dtype=bool))
    assert np.isnan(found.level)
    assert found.missing is None
    assert "where it is surest, 80% of those given are right; the model must get better" in shortfall(found.to_json())
    nothing = certify(np.full(9, 0.9), right[:9], np.zeros(9, dtype=bool))
    assert isinstance(nothing, Certificate)
    assert nothing.coverage == 0
    assert "it was given to no row" in shortfall(nothing.to_json())


def test_a_label_hardly_ever_given_says_what_it_would_take_at_the_least() -> None:
    """29 right ones in a row pass at 0.90: where 6 of 300 rows are given the label, 1,450 rows hold as many."""
    given = np.arange(300) < 6
    found = certify(np.full(300, 0.9), given, given)
    assert (found.missing, found.best, found.least) == (None, None, 1150)
    assert "given to 6 rows only; it would take at least 1,150 more labelled rows" in shortfall(found.to_json())
    more = np.tile(given, 5)
    assert certify(np.full(len(more), 0.9), more, more).level <= 0.9


def test_a_bad_origin_cannot_hide_behind_a_good_one() -> None:
    sample = np.random.default_rng(0)
    p = sample.random(9000)
    origins = np.where(np.arange(9000) < 6000, "written", "real")
    truth = sample.random(9000) < np.where(origins == "written", 0.99, p)
    every = np.ones(9000, dtype=bool)
    pooled, parted = certify(p, truth, every), certify(p, truth, every, origins=origins)
    assert pooled.level < 0.7
    assert parted.level > 0.8
    assert truth[(p >= parted.level) & (origins == "real")].mean() >= 0.9
    assert parted.by_origin["real"]["tested"]
    few = origins.copy()
    few[6020:] = "written"
    assert not certify(p, truth, every, origins=few).by_origin["real"]["tested"]


def test_design_effect() -> None:
    right = np.arange(1000) % 10 > 0
    assert design_effect(right, np.arange(1000)) == pytest.approx(1.0, abs=0.01)
    assert design_effect(np.repeat(right, 5), np.repeat(np.arange(1000), 5)) == pytest.approx(5.0, rel=0.01)
    assert design_effect(np.ones(9, dtype=bool), np.arange(9)) == 1.0
