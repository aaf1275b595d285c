"""Features that count more or less beforehand, support vector machines, and how many labels a row gets."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from parastance.predict.model import Model, Unit
from parastance.train.calibrate import Calibration
from parastance.train.config import Config
from parastance.train.data import LabelledRow, labelled_row
from parastance.train.decisions import Sample, decisive_head
from parastance.train.emphasis import emphasis_of, name_words
from parastance.train.feature_matrix import Block, FeatureMatrix
from parastance.train.fit import fit, registry_for
from parastance.train.linear import fit_linear
from parastance.train.matrices import Matrices
from parastance.train.recipe import Recipe
from parastance.train.save import save

NAMES = [
    ("palm-oil", "palm oil", True),
    ("palm-oil", "price of oils", True),
    ("military_support", "supports", True),
    ("soy", "soybean", False),
    ("l-cattle", "l", False),
    ("t1", "t1", False),
    ("Ernährung", "ernährung", True),
    ("supplies", "supply", False),
    ("supply", "supplies", True),
    ("cars", "car", True),
]


@pytest.mark.parametrize(("label", "text", "held"), NAMES)
def test_words_of_a_name(label: str, text: str, held: bool) -> None:
    assert bool(set(name_words(label)) & set(text.split())) == held


def test_scales_of_features() -> None:
    blocks = [("subwords", ["oil", "a b"]), ("masked", ["oil", "palm", "palm oil", "tea"])]
    assert emphasis_of(blocks, 7, ["oil"], Recipe(("masked",))) is None
    named = emphasis_of(blocks, 7, ["oil", "x"], Recipe(("masked",), named=3.0))
    assert named is not None
    assert named.of(0).tolist() == [1, 1, 3, 1, 3, 1, 1]
    assert named.of(1).tolist() == [1] * 7
    words = emphasis_of(blocks, 7, ["oil"], Recipe(("masked",), ngrams=1))
    assert words is not None
    assert words.of(0).tolist() == [1, 1, 1, 1, 0, 1, 1]


def cases() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = np.abs(rng.normal(size=(200, 12))) * (rng.random((200, 12)) < 0.4)
    return x, (x[:, [0]] + 0.3 * rng.normal(size=(200, 1)) > 0.5)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_hinge_is_scikit_learns_support_vector_machine(balanced: bool) -> None:
    x, truth = cases()
    recipe = Recipe(("masked",), C=5.0, hinge=True, balanced=balanced)
    nobody = np.full(len(x), -1)
    ours = fit_linear(FeatureMatrix((Block(x),)), truth, np.ones(len(x)), nobody, False, recipe)
    weight = np.where(truth[:, 0], np.sqrt((~truth).sum() / truth.sum()) if balanced else 1.0, 1.0)
    theirs = LinearSVC(C=0.5, tol=1e-8, max_iter=100_000).fit(x, truth[:, 0], sample_weight=weight)
    assert np.allclose(ours.weights[:, 0], theirs.coef_[0], atol=5e-3)
    assert ours.bias[0] == pytest.approx(theirs.intercept_[0], abs=5e-3)
    again = fit_linear(FeatureMatrix((Block(x),)), truth, np.ones(len(x)), nobody, False, recipe, ours)
    assert np.allclose(ours.weights, again.weights, atol=5e-3)


def stories(count: int = 300) -> list[LabelledRow]:
    """Rows each of one of twelve topics; four topics have four rows each, whose only common word is the topic's name."""
    rng = np.random.default_rng(1)
    filler = [f"{a}{b}" for a in "bcdfgh" for b in ("an", "el", "or", "ut")]
    rows = []
    for at in range(count):
        topic = f"plain{'abcdefgh'[at % 8]}" if at % 19 else f"crop-{('rye', 'oat', 'tea', 'yam')[at // 19 % 4]}"
        words = [*rng.choice(filler, 12), topic.removeprefix("crop-")]
        rows.append(labelled_row({"text": " ".join(rng.permutation(words)), "topics": [topic]}, f"r{at}"))
    return rows


def test_a_name_is_learnt_from_few_rows() -> None:
    found = {}
    for named in (1.0, 4.0):
        settings = {"blocks": ("masked",), "C": 3.0, "hinge": True, "named": named, "pooled": False}
        fitted = fit(stories(), Config(folds=2, search=True, notions=False, heads={"topics": settings}))
        model = Model.from_artifact(fitted.artifact, "m")
        text = "ban el rye cor dut an"
        found[named] = model.label([text])[0]["topic_probabilities"]["crop-rye"]
    assert found[4.0] > found[1.0]


def test_where_every_row_has_one_topic_every_paragraph_gets_one() -> None:
    rows = [replace(row, text=f"{row.text} {'bright' * (at % 3 == 0)}") for at, row in enumerate(stories())]
    fitted = fit(rows, Config(folds=2, notions=False, heads={"topics": {"blocks": ("masked",)}}))
    head = fitted.heads["topics"].head
    assert head.at_least_one or (fitted.heads["topics"].judged.given.any(axis=1)).all()
    again = Model.from_artifact(fitted.artifact, "m").heads["topics"]
    assert (again.at_least_one, again.at_most_one) == (head.at_least_one, head.at_most_one)
    pinned = {"topics": {"blocks": ("masked",), "at_least_one": False}}
    assert not fit(rows, Config(folds=2, notions=False, heads=pinned)).heads["topics"].head.at_least_one


RULES = [
    # at least, at most, probabilities, given
    (False, False, [[0.6, 0.7, 0.1], [0.1, 0.2, 0.3]], [[1, 1, 0], [0, 0, 0]]),
    (True, False, [[0.6, 0.7, 0.1], [0.1, 0.2, 0.3]], [[1, 1, 0], [0, 0, 1]]),
    (True, True, [[0.6, 0.7, 0.1], [0.1, 0.2, 0.3]], [[0, 1, 0], [0, 0, 1]]),
]


@pytest.mark.parametrize(("least", "most", "p", "wanted"), RULES)
def test_how_many_labels_a_row_gets(least: bool, most: bool, p: Any, wanted: Any) -> None:
    sample = sample_of_noise(3, 40)
    head = replace(decisive_head(sample), cut=np.full(3, 0.5), at_least_one=least, at_most_one=most)
    assert head.decide(np.array(p)).astype(int).tolist() == wanted
    kept = head.from_artifact(head.to_artifact())
    assert (kept.at_least_one, kept.at_most_one) == (least, most)


def sample_of_noise(k: int, n: int, each: tuple[int, int] = (0, 2)) -> Sample:
    rng = np.random.default_rng(3)
    answer = rng.integers(k, size=n)
    truth = np.eye(k, dtype=bool)[answer]
    scores = rng.normal(size=(n, k)) + 2.0 * truth
    where = np.arange(n)
    return Sample(tuple(map(str, range(k))), False, 0, scores, truth, where % 5, where, np.full(n, "written"), np.ones(n), each)


@pytest.mark.parametrize(("each", "may"), [((0, 2), False), ((1, 2), True), ((1, 1), True)])
def test_a_rule_is_chosen_only_where_the_data_keep_it(each: tuple[int, int], may: bool) -> None:
    head = decisive_head(sample_of_noise(6, 600, each))
    assert head.at_least_one == may
    assert head.at_most_one == (each == (1, 1))


def test_labels_of_few_rows_share_a_calibration() -> None:
    rng = np.random.default_rng(0)
    counts = np.array([200] * 8 + [4, 3, 2, 1])
    truth = np.arange(1000)[:, np.newaxis] % 1000 < counts
    truth = np.column_stack([rng.permutation(column) for column in truth.T])
    scores = rng.normal(size=truth.shape) + 3.0 * truth - 1.0
    fitted = Calibration(scores, truth, False)
    assert len(set(fitted.slope[8:])) == len(set(fitted.shift[8:])) == 1
    assert len(set(fitted.slope[:8])) == 8
    assert (fitted.slope > 0.1).all()


@pytest.mark.parametrize(("named", "wanted"), [(True, True), (False, False), (None, False)])
def test_a_text_without_the_target_is_neutral_where_that_is_better(named: bool | None, wanted: bool) -> None:
    plain = sample_of_noise(3, 900)
    answer, told = plain.truth.argmax(axis=1), np.arange(900) % 3 > 0
    answer = np.where(told, answer, 0) if named else answer  # else the rule would be wrong
    sample = replace(plain, exclusive=True, truth=np.eye(3, dtype=bool)[answer], named=None if named is None else told)
    head = decisive_head(sample)
    assert head.unnamed_neutral == wanted
    given = head.decide(head.probabilities(sample.scores), told)
    assert given[~told, 0].all() == wanted
    assert head.from_artifact(head.to_artifact()).unnamed_neutral == wanted


def test_which_rows_name_their_target_is_known_in_training_as_in_prediction() -> None:
    texts = ["Opera is dear.", "They sing. The opera is dear.", "They sing.", "Ballet", "Operas"]
    rows = [labelled_row({"text": text, "stance": "pro", "target": "opera"}, str(at)) for at, text in enumerate(texts)]
    units = [Unit(row.text, row.target) for row in rows]
    registry = registry_for(rows, Config())
    known = Matrices.of(units, registry, ("masked",)).named
    model = Model.from_artifact(fit(rows, Config(folds=2, heads={"stance": {"blocks": ("masked",)}})).artifact, "m")
    assert known.tolist() == model.decide(units).named.tolist() == [True, True, False, False, known[4]]


def test_a_model_calls_texts_without_its_target_neutral(tmp_path: Path) -> None:
    rows, filler = [], [row.text.rsplit(" ", 4)[0] for row in stories(120)]
    for at in range(120):
        verb, label = (("praise", "pro"), ("scold", "con"))[at // 2 % 2]
        told = at % 3 > 0
        text = f"They {verb} the {'opera' if told else 'ballet'} at {filler[at]}"
        rows.append(labelled_row({"text": text, "stance": label if told else "neutral", "target": "opera"}, str(at)))
    fitted = fit(rows, Config(folds=2, heads={"stance": {"blocks": ("masked",), "unnamed_neutral": True}}))
    head = replace(fitted.heads["stance"].head, unnamed_neutral=True)
    fitted.artifact["heads"]["stance"] = head.to_artifact()
    model = Model.from_artifact(fitted.artifact, "m")
    units = [Unit(f"They scold the {what} of a town", "opera") for what in ("opera", "bank")]
    given = model.decide(units).given["stance"]
    assert [model.heads["stance"].labels[at] for at in given.argmax(axis=1)] == ["con", "neutral"]
    save(fitted, Config(folds=2), tmp_path / "m")
    chosen = json.loads((tmp_path / "m" / "manifest.json").read_text())["chosen"]["stance"]
    assert chosen["unnamed_neutral"] in (True, False)
