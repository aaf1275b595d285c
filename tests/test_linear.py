"""Features that are never multiplied out against those that are, and classifiers against scikit-learn's, wherever they begin."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from parastance.predict.model import Unit
from parastance.predict.targets import read_registry
from parastance.train.data import corpus_files, read_labelled
from parastance.train.diffusion import Diffusion
from parastance.train.feature_matrix import Block, FeatureMatrix, WithCopies
from parastance.train.linear import Linear, common_scale, fit_linear
from parastance.train.matrices import Matrices
from parastance.train.recipe import Recipe
from parastance.train.room import Room

Random = np.random.Generator


def matrix(rng: Random, rows: int) -> FeatureMatrix:
    """Return a sparse block, one of two factors and a dense one, some features of which stand in no row."""
    plain = sp.random(rows, 7, 0.4, "csr", random_state=rng)
    left, right = sp.random(rows, 6, 0.5, "csr", random_state=rng), sp.random(6, 9, 0.3, "csr", random_state=rng)
    return FeatureMatrix((Block(plain), Block(left, right), Block(rng.normal(size=(rows, 3)))))


def dense(x: FeatureMatrix) -> Any:
    """Return the features multiplied out."""
    parts = [block.left if block.right is None else block.left @ block.right for block in x.blocks]
    return np.hstack([part.toarray() if sp.issparse(part) else part for part in parts])


def with_copies(x: Any, target: Any, numbers: list[int], own: float) -> Any:
    """Return Daumé's features multiplied out."""
    full = np.hstack([x, np.ones((len(x), 1))])
    return np.hstack([x, *((target == number)[:, np.newaxis] * own * full for number in numbers)])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 3))
def test_products_are_those_of_the_matrix_multiplied_out(seed: int, rows: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    x = matrix(rng, rows)
    whole = dense(x)
    assert x.shape == whole.shape
    weights, values = rng.normal(size=(whole.shape[1], labels)), rng.normal(size=(rows, labels))
    assert np.allclose(x @ weights, whole @ weights)
    assert np.allclose(x @ weights[:, 0], whole @ weights[:, 0])
    assert np.allclose(x.back(values), whole.T @ values)
    chosen = rng.integers(0, rows, rows)
    assert np.allclose(dense(x.part(chosen)), whole[chosen])
    narrow, kept = x.part(chosen).present()
    assert np.allclose(dense(narrow), whole[chosen][:, kept])
    assert not np.delete(whole[chosen], kept, axis=1).any()
    assert np.array_equal(x.signed(), (whole < 0).any(axis=0))
    assert np.allclose(dense(x.magnitudes()), abs(whole))
    assert np.array_equal(dense(x.standing())[:, :7] > 0, whole[:, :7] != 0)
    assert np.array_equal(dense(x.standing()) > 0, whole != 0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_copies_are_those_of_the_features(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    x, target = matrix(rng, rows), rng.integers(-1, 3, rows)
    wide = WithCopies(x, target, [0, 2], 1.5)
    whole = with_copies(dense(x), target, [0, 2], 1.5)
    width = x.shape[1]
    columns = [np.arange(width)] + [
        width + at * (width + 1) + np.append(kept, width) for at, kept in enumerate(wide.columns)
    ]
    narrow = whole[:, np.concatenate(columns)]
    assert not np.delete(whole, np.concatenate(columns), axis=1).any()
    weights, values = rng.normal(size=(wide.shape[1], 2)), rng.normal(size=(rows, 2))
    assert np.allclose(wide @ weights, narrow @ weights)
    assert np.allclose(wide.back(values), narrow.T @ values)
    assert np.array_equal(wide.signed(), (narrow < 0).any(axis=0))
    assert np.allclose(wide.magnitudes() @ weights, abs(narrow) @ weights)


def problem(labels: int, exclusive: bool, seed: int = 0) -> tuple[FeatureMatrix, Any, Any, Any]:
    """Return (features of 200 rows, truth, weights of rows, targets)."""
    rng = np.random.default_rng(seed)
    x = matrix(rng, 200)
    lean = dense(x) @ rng.normal(size=(x.shape[1], labels)) + rng.normal(size=(200, labels))
    truth = lean == lean.max(axis=1, keepdims=True) if exclusive else lean > 0.5
    return x, truth, rng.uniform(0.5, 2.0, 200), rng.integers(-1, 2, 200)


def theirs(x: Any, truth: Any, sample: Any, c: float, bound: bool) -> tuple[Any, Any]:
    """Return scikit-learn's (weights, bias) of one label, or of all that exclude each other where the bias is not bound."""
    if bound:
        model = LogisticRegression(C=c, solver="liblinear", tol=1e-10, max_iter=10_000)
    else:
        model = LogisticRegression(C=c, solver="newton-cg", tol=1e-10, max_iter=10_000)
    model.fit(x, truth, sample_weight=sample)
    return model.coef_.T, model.intercept_


CLOSE = 0.02  # of scores that vary by more than 1


@pytest.mark.parametrize(("labels", "exclusive"), [(2, False), (3, True), (2, True)])
def test_classifiers_are_those_of_scikit_learn(labels: int, exclusive: bool) -> None:
    x, truth, sample, target = problem(labels, exclusive)
    whole, recipe = dense(x), Recipe(("masked",), 3.0)
    found = fit_linear(x, truth, sample, target, exclusive, recipe).scores(x, target)
    if not exclusive:
        pairs = [theirs(whole, truth[:, at], sample, 3.0, True) for at in range(labels)]
        wanted = np.hstack([whole @ weights + bias for weights, bias in pairs])
    elif labels == 2:
        weights, bias = theirs(whole, truth[:, 1], sample, 3.0, True)
        wanted = (whole @ weights + bias) * [-0.5, 0.5]
    else:
        weights, bias = theirs(whole, truth.argmax(axis=1), sample, 3.0, False)
        wanted = whole @ weights + bias
    if exclusive:
        found, wanted = found - found[:, :1], wanted - wanted[:, :1]
    assert wanted.std() > 1
    assert abs(found - wanted).max() < CLOSE


def test_copies_for_targets_are_learnt_as_features_of_their_own() -> None:
    x, truth, sample, target = problem(2, False)
    recipe = Recipe(("masked",), 3.0, own=1.5)
    linear = fit_linear(x, truth, sample, target, False, recipe)
    wide = with_copies(dense(x), target, [0, 1], 1.5)
    pairs = [theirs(wide, truth[:, at], sample, 3.0, True) for at in range(2)]
    wanted = np.hstack([wide @ weights + bias for weights, bias in pairs])
    assert abs(linear.scores(x, target) - wanted).max() < CLOSE


def diffused(whole: Any, scale: Any, strength: float) -> Any:
    """Return a matrix whose products of rows are K + a K C K, as the paper's first terms, C taking the rows' mean away."""
    x = whole * scale
    centred = x - x.mean(axis=0)
    kernel = centred @ centred.T
    factor = strength * np.trace(kernel) / np.trace(kernel @ kernel)
    return np.hstack([x, np.sqrt(factor) * x @ centred.T])


@pytest.mark.parametrize("own", [0.0, 1.5])
def test_diffusion_is_a_further_feature_a_row_folded_into_the_weights(own: float) -> None:
    x, _, _, target = problem(3, True)
    wide = WithCopies(x, target, [0, 1], own) if own else x
    narrow = wide @ np.eye(wide.shape[1])
    scale = np.random.default_rng(1).uniform(0.5, 2.0, wide.shape[1])
    found, wanted = Diffusion(wide, scale, 0.6), diffused(narrow, scale, 0.6)
    assert found.shape == wanted.shape
    made = found @ np.eye(found.shape[1])
    width = wide.shape[1]
    ratio = np.linalg.norm(made[:, width:]) / np.linalg.norm(wanted[:, width:])
    assert 0.8 < ratio < 1.25  # the strength is reckoned from random rows
    assert np.allclose(made[:, width:], ratio * wanted[:, width:]) and np.allclose(made[:, :width], wanted[:, :width])
    values = np.random.default_rng(2).normal(size=(200, 2))
    assert np.allclose(found.back(values), made.T @ values)
    weights = np.random.default_rng(3).normal(size=(found.shape[1], 2))
    assert np.allclose(wide @ found.fold(weights), found @ weights)
    assert np.allclose(found.fold(found.unfold(weights[:width])), weights[:width])


def test_diffusion_leans_a_term_on_its_companions() -> None:
    """The second word stands in one row, beside the first, which tells the label; the fourth in one, alone, of the same label."""
    rows = np.zeros((60, 4))
    rows[:19, 0], rows[20:40, 2], rows[0, 1], rows[19, 3] = 1.0, 1.0, 1.0, 1.0
    truth = np.zeros((60, 3), dtype=np.bool_)
    truth[np.arange(60), np.repeat([0, 1, 2], 20)] = True
    x, every = FeatureMatrix((Block(sp.csr_matrix(rows)),)), np.ones(60)
    plain, leaning = (
        fit_linear(x, truth, every, np.full(60, -1), True, Recipe(("masked",), 1.0, diffusion=strength)).weights[:, 0]
        for strength in (0.0, 5.0)
    )
    assert plain[3] > plain[1] and leaning[1] / leaning[3] > 1.3 * plain[1] / plain[3]


def test_a_feature_of_one_label_counts_more_than_one_of_all() -> None:
    rows = np.zeros((90, 3))
    rows[:30, 0], rows[::2, 1], rows[:, 2] = 0.1, 5.0, -1.0
    truth = np.zeros((90, 3), dtype=np.bool_)
    truth[np.arange(90), np.repeat([0, 1, 2], 30)] = True
    telling, idle, signed = common_scale(FeatureMatrix((Block(sp.csr_matrix(rows)),)), truth)
    assert telling > 1.0 > idle >= 0.5 and signed == 1.0
    assert np.array_equal(common_scale(FeatureMatrix((Block(np.ones((90, 2))),)), truth), [1.0, 1.0])


CHANGES: list[dict[str, Any]] = [
    {}, {"naive_bayes": True}, {"own": 1.5}, {"naive_bayes": True, "own": 1.5}, {"diffusion": 0.6},
    {"diffusion": 0.6, "naive_bayes": True, "own": 1.5},
]  # fmt: skip


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("exclusive", [False, True])
def test_where_it_begins_does_not_matter(changes: dict[str, Any], exclusive: bool) -> None:
    x, truth, sample, target = problem(3, exclusive)
    recipe, some = Recipe(("masked",), 3.0, **changes), np.arange(0, 200, 2)
    whole = fit_linear(x, truth, sample, target, exclusive, recipe)

    def learnt(start: Linear | None) -> Any:
        part = fit_linear(x.part(some), truth[some], sample[some], target[some], exclusive, recipe, start)
        scores = part.scores(x, target)
        return scores - scores[:, :1] if exclusive else scores

    assert abs(learnt(None) - learnt(whole)).max() < 2 * CLOSE


def test_a_beginning_near_the_end_takes_fewer_products(monkeypatch: pytest.MonkeyPatch) -> None:
    x, truth, sample, target = problem(1, False)
    products = []
    plain = FeatureMatrix.back
    monkeypatch.setattr(FeatureMatrix, "back", lambda self, values: products.append(1) or plain(self, values))
    recipe = Recipe(("masked",), 3.0)
    whole = fit_linear(x, truth, sample, target, False, recipe)
    cold = len(products)
    fit_linear(x, truth, sample, target, False, recipe, whole)
    assert len(products) - cold < cold / 2


def test_subwords_are_kept_as_factors() -> None:
    rows = read_labelled(corpus_files())[::10]
    blocks = ("masked", "subwords")
    matrices = Matrices.of([Unit(row.text) for row in rows], read_registry(), blocks)
    x, parts = matrices.head("topics", blocks)
    assert parts is not None
    for found in (x, parts.features):
        _, grams = found.blocks
        assert grams.right is not None
        product = grams.left @ grams.right
        assert product.nnz / found.shape[0] > 150
        assert grams.left.nnz / found.shape[0] < 50
        assert 8 * grams.left.nnz < product.nnz


def test_room_is_shared_by_so_many_and_no_more() -> None:
    room, lock, inside, most = Room(2, 100), Lock(), [], []

    def work(size: int) -> None:
        with room.take(size):
            with lock:
                inside.append(size)
                most.append((len(inside), sum(inside)))
            with lock:
                inside.remove(size)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, [60, 30, 200, 40, 70, 10] * 20))
    assert len(most) == 120
    assert all(count == 1 or (count == 2 and total <= 100) for count, total in most)


def test_room_lets_two_in_at_once() -> None:
    room, both = Room(2, 100), Barrier(2, timeout=30)

    def work(size: int) -> None:
        with room.take(size):
            both.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [50, 50]))
