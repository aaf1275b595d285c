"""The benchmark of re-estimated label shares rests on a method that works where its assumption holds."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "benchmarks"))
from priors import estimate


@pytest.mark.parametrize("shares", [(0.9, 0.1), (0.2, 0.8), (0.6, 0.3, 0.1), (0.02, 0.08, 0.9)])
def test_shares_are_recovered_where_labels_look_the_same_everywhere(shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    k = len(shares)
    prior = np.full(k, 1 / k)
    truth = rng.choice(k, 20_000, p=shares)
    likelihood = np.exp(-0.5 * (rng.normal(2 * truth, 1)[:, None] - 2 * np.arange(k)) ** 2)
    probabilities = likelihood * prior / (likelihood @ prior)[:, None]
    moved, found = estimate(probabilities, prior)
    assert found == pytest.approx(shares, abs=0.02)
    assert abs(probabilities.mean(axis=0) - shares).max() > 0.03
    assert moved.sum(axis=1) == pytest.approx(1)
    held = estimate(probabilities, prior, weight=1e9)[1]
    assert held == pytest.approx(prior, abs=1e-3)
