"""The estimator among scikit-learn's tools; `check_estimator` skips estimators of text, so its contracts are held here."""

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from parastance.train import ParagraphClassifier

QUICK: dict[str, Any] = {"folds": 2, "search": False, "C": (3.0,)}
PLANS = ["new road", "old tax", "long wall", "small bank", "free press", "grey law", "high tower", "deep mine"]
TEXTS = [f"I {verb} the {plan} of {town}" for plan in PLANS for verb in ("like", "hate", "know") for town in ("Bara", "Hama")]
LABELS = [{"like": "FAVOR", "hate": "AGAINST", "know": "NONE"}[text.split()[1]] for text in TEXTS]
TOPICS = [[name for name in ("road", "tax", "wall") if name in text] for text in TEXTS]


@pytest.fixture(scope="module")
def fitted() -> ParagraphClassifier:
    return ParagraphClassifier(**QUICK).fit(TEXTS, LABELS)


def test_parameters_and_clones() -> None:
    given = ParagraphClassifier(**QUICK, target="opera", settings={"blocks": ("masked",)})
    copy = clone(given)
    assert copy.get_params() == given.get_params()
    assert copy is not given
    assert copy.set_params(folds=3).folds == 3
    assert not hasattr(copy, "artifact_")


def test_what_a_classifier_promises(fitted: ParagraphClassifier) -> None:
    assert fitted.classes_.tolist() == ["AGAINST", "FAVOR", "NONE"]
    p = fitted.predict_proba(TEXTS)
    assert p.shape == (len(TEXTS), 3)
    assert np.allclose(p.sum(axis=1), 1)
    assert fitted.score(TEXTS, LABELS) > 0.95
    assert set(fitted.predict(["I hate it"])) <= set(LABELS)
    assert fitted.predict([]).shape == (0,)
    for make in (list, tuple, np.array):
        assert fitted.predict(make(TEXTS[:3])).tolist() == fitted.predict(TEXTS[:3]).tolist()


def test_fitting_again_forgets_and_does_not_change_its_parameters() -> None:
    model = ParagraphClassifier(**QUICK)
    before = dict(model.get_params())
    assert model.fit(TEXTS, LABELS) is model
    assert model.get_params() == before
    assert model.fit(TEXTS, ["a" if "like" in text else "b" for text in TEXTS]).classes_.tolist() == ["a", "b"]


def test_the_same_fit_twice(fitted: ParagraphClassifier) -> None:
    again = clone(fitted).fit(TEXTS, LABELS)
    assert np.array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_several_labels_each() -> None:
    one = ParagraphClassifier(**QUICK).fit(TEXTS, TOPICS)
    assert one.multilabel_
    assert one.predict_proba(TEXTS[:2]).shape == (2, 3)
    matrix = np.array([[name in row for name in ("road", "tax", "wall")] for row in TOPICS])
    assert ParagraphClassifier(**QUICK).fit(TEXTS, matrix).predict(TEXTS).shape == matrix.shape


def test_pickles(fitted: ParagraphClassifier) -> None:
    back = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(back.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_grid_search_pipeline_and_cross_validation() -> None:
    trim = FunctionTransformer(lambda texts: [text.strip() for text in texts])
    pipe = Pipeline([("trim", trim), ("label", ParagraphClassifier(**QUICK))])
    search = GridSearchCV(pipe, {"label__settings": [{"blocks": ("masked",)}, {"blocks": ("masked", "subwords")}]}, cv=2)
    search.fit(TEXTS, LABELS)
    assert search.best_score_ > 0.7
    assert len(cross_val_score(ParagraphClassifier(**QUICK), TEXTS, LABELS, cv=2)) == 2


def test_it_searches_where_it_is_asked_to() -> None:
    model = ParagraphClassifier(folds=2).fit(TEXTS, LABELS)
    assert model.score(TEXTS, LABELS) > 0.9


BAD: list[tuple[str, Any, Any, str]] = [
    ("a string", "text", ["a"], "list of strings"),
    ("numbers", [1, 2], ["a", "b"], "list of strings"),
    ("lengths", ["a", "b"], ["a"], "2 texts but 1 labels"),
    ("no rows", [], [], "no label"),
]


@pytest.mark.parametrize(("what", "x", "y", "reason"), BAD, ids=[case[0] for case in BAD])
def test_unusable_input(what: str, x: Any, y: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ParagraphClassifier(**QUICK).fit(x, y)


def test_not_fitted() -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        ParagraphClassifier().predict(["a"])
