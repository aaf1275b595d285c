"""Intervals against scipy's, and what must hold of them whatever the numbers."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from parastance.train.intervals import clopper_pearson, clustered, logit, normal_quantile, t_quantile, wilson


@pytest.mark.parametrize(("count", "size"), [(0, 1), (0, 30), (1, 30), (15, 30), (30, 30), (3, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_intervals_of_counts_are_scipys(count: int, size: int, confidence: float) -> None:
    test = binomtest(count, size)
    exact = test.proportion_ci(confidence, "exact")
    assert clopper_pearson(count, size, confidence) == pytest.approx((exact.low, exact.high), abs=1e-9)
    score = test.proportion_ci(confidence, "wilson")
    assert wilson(count / size, size, normal_quantile(confidence)) == pytest.approx((score.low, score.high), abs=1e-9)


@settings(deadline=None)
@given(st.floats(0.001, 0.999), st.floats(0, 0.2), st.integers(2, 1000), st.floats(0.5, 0.99))
def test_an_interval_holds_its_share(share: float, error: float, clusters: int, confidence: float) -> None:
    for low, high in (
        clustered(share, error**2, 10 * clusters, clusters, clusters, confidence),
        logit(share, error, t_quantile(confidence, clusters)),
    ):
        assert 0 <= low <= share + 1e-9
        assert share - 1e-9 <= high <= 1


def test_rows_that_repeat_each_other_count_once() -> None:
    share, documents = 0.3, 200
    variance = share * (1 - share) / documents  # ten equal paragraphs a document
    low, high = clustered(share, variance, 10 * documents, documents, documents, 0.95)
    plain = wilson(share, documents, normal_quantile(0.95))
    assert (low, high) == pytest.approx(plain, abs=0.002)


@pytest.mark.parametrize(("share", "expected"), [(0.0, (0.0, 1 - 0.025 ** (1 / 40))), (1.0, (0.025 ** (1 / 40), 1.0))])
def test_where_no_document_differs_each_counts_as_one_row(share: float, expected: tuple[float, float]) -> None:
    assert clustered(share, 0.0, 400, 40, 40, 0.95) == pytest.approx(expected)


def test_one_document_says_nothing_of_others() -> None:
    assert clustered(0.4, 0.0, 50, 1, 1, 0.95) == (0.0, 1.0)
    assert math.isclose(t_quantile(0.95, 1), 12.706, rel_tol=1e-3)
