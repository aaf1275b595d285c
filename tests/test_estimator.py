"""The estimator among scikit-learn's tools; `check_estimator` skips estimators of text, so its contracts are held here."""

import pickle
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_val_score
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


FORMS = [
    ("integers", [5 if "like" in text else 10 for text in TEXTS], [5, 10]),
    ("booleans", ["like" in text for text in TEXTS], [False, True]),
    ("column", np.array([[text.split()[1]] for text in TEXTS]), ["hate", "know", "like"]),
    ("numpy strings", np.array(LABELS), ["AGAINST", "FAVOR", "NONE"]),
    ("empty name", ["" if "like" in text else "b" for text in TEXTS], ["", "b"]),
]


@pytest.mark.parametrize(("what", "y", "classes"), FORMS, ids=[case[0] for case in FORMS])
def test_labels_come_back_as_they_were(what: str, y: Any, classes: list[Any]) -> None:
    model = ParagraphClassifier(**QUICK).fit(TEXTS, y)
    assert model.classes_.tolist() == classes
    assert model.predict(TEXTS).dtype == model.classes_.dtype
    assert model.score(TEXTS, np.ravel(y)) > 0.9
    p = model.predict_proba(TEXTS)
    assert (model.classes_[p.argmax(axis=1)] == model.predict(TEXTS)).mean() > 0.9


def wide_matrix() -> Any:
    """Twelve columns, in an order that is not that of their names as strings; the second has no row."""
    words = ["new", "nothing", "old", "long", "small", "free", "grey", "high", "deep", "hate", "know", "like"]
    return np.array([[word in text for word in words] for text in TEXTS]).astype(int)


def test_columns_of_a_matrix_stay_where_they_are() -> None:
    matrix = wide_matrix()
    model = ParagraphClassifier(**QUICK).fit(TEXTS, matrix)
    assert model.classes_.tolist() == list(range(12))
    given, p = model.predict(TEXTS), model.predict_proba(TEXTS)
    assert given.shape == p.shape == matrix.shape
    assert not given[:, 1].any()
    assert not p[:, 1].any()
    assert f1_score(matrix, given, average="micro") > 0.9
    for form in (sp.csr_matrix(matrix), matrix.tolist(), matrix.astype(bool)):
        assert np.array_equal(clone(model).fit(TEXTS, form).predict(TEXTS), given)
        assert model.score(TEXTS, form) == model.score(TEXTS, matrix)
    assert len(cross_val_score(model, TEXTS, matrix, cv=2, scoring="f1_micro")) == 2
    assert cross_val_predict(model, TEXTS, matrix, cv=2, method="predict_proba").shape == matrix.shape


def test_lists_of_labels_score() -> None:
    model = ParagraphClassifier(**QUICK).fit(TEXTS, TOPICS)
    assert model.classes_.tolist() == ["road", "tax", "wall"]
    assert model.score(TEXTS, TOPICS) > 0.9
    assert model.score(TEXTS, [set(row) for row in TOPICS]) == model.score(TEXTS, TOPICS)


def test_frames_and_columns_of_them() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"text": TEXTS, "label": LABELS})
    model = ParagraphClassifier(**QUICK).fit(frame["text"], frame["label"])
    assert model.predict(frame["text"]).tolist() == model.predict(TEXTS).tolist()
    indicators = pd.DataFrame(wide_matrix()[:, :3], columns=["new", "none", "old"])
    assert ParagraphClassifier(**QUICK).fit(frame["text"], indicators).classes_.tolist() == ["new", "none", "old"]
    with pytest.raises(ValueError, match="it is a table: give one column"):
        model.predict(frame)


def test_weights_of_rows() -> None:
    text = ["a fine road", "a fine wall", "an ugly bank", "an ugly tax"] * 10
    y = ["good", "good", "bad", "bad"] * 10
    wrong = [*y[:-8], *(["good"] * 8)]
    weights = np.append(np.ones(32), np.zeros(8))
    model = ParagraphClassifier(**QUICK)
    assert np.array_equal(
        clone(model).fit(text, y, sample_weight=np.ones(40)).predict_proba(text), clone(model).fit(text, y).predict_proba(text)
    )
    heavy = clone(model).fit(text, wrong, sample_weight=weights).artifact_["blocks"]["masked"]["weights"]
    light = clone(model).fit(text, wrong).artifact_["blocks"]["masked"]["weights"]
    assert np.ptp(heavy[:, 0]) > np.ptp(light[:, 0])


def test_groups_and_strengths_in_a_grid() -> None:
    search = GridSearchCV(ParagraphClassifier(folds=2, search=False), {"C": [0.001, 10.0]}, cv=GroupKFold(2))
    search.fit(TEXTS, LABELS, groups=[text.split()[3] for text in TEXTS])
    assert len(set(search.cv_results_["param_C"].tolist())) == 2
    weak, strong = (ParagraphClassifier(C=c, folds=2, search=False).fit(TEXTS, LABELS) for c in (0.001, 10))
    sizes = [np.abs(model.artifact_["blocks"]["masked"]["weights"]).max() for model in (weak, strong)]
    assert sizes[0] < sizes[1] / 10


def test_joblib_and_copies(fitted: ParagraphClassifier, tmp_path: Any) -> None:
    joblib.dump(fitted, tmp_path / "m.joblib")
    assert np.array_equal(joblib.load(tmp_path / "m.joblib").predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert "search=False" in repr(fitted)
    assert fitted.predict(pa.array(TEXTS[:3]).to_pylist()).tolist() == fitted.predict(TEXTS[:3]).tolist()


def test_one_class_only() -> None:
    model = ParagraphClassifier(**QUICK).fit(TEXTS, ["same"] * len(TEXTS))
    assert set(model.predict(TEXTS)) == {"same"}


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
    ("a text is missing", ["a", None], ["a", "b"], r"X\[1\] is NoneType"),
    ("a label is missing", ["a", "b"], ["a", None], r"y\[1\] is missing"),
    ("a label is not a number", ["a", "b"], [0.0, float("nan")], r"y\[1\] is missing"),
    ("no label at all", ["a b", "c d"], [[], []], "no row has a label"),
    ("numbers to regress on", ["a", "b"], [0.5, 1.5], "no labels"),
    ("unlike types", ["a", "b"], [1, "b"], "unlike types"),
    ("no indicators", ["a", "b"], np.array([[0, 2], [1, 0]]), "indicator matrix"),
    ("a number", ["a"], 3, "for each text"),
]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"folds": 1}, "folds must be"),
    ({"C": 0.0}, "C must be a number above 0"),
    ({"C": (1.0, 2.0), "search": True}, "several values of C"),
    ({"settings": {"block": ("masked",)}}, "'block' is unknown; there are blocks"),
]


@pytest.mark.parametrize(("parameters", "reason"), WRONG)
def test_wrong_parameters_are_named_when_fitted(parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ParagraphClassifier(**{**QUICK, **parameters}).fit(TEXTS, LABELS)


def test_lengths_of_groups_and_weights() -> None:
    for name in ("groups", "sample_weight"):
        with pytest.raises(ValueError, match=f"48 texts but 3 in {name}"):
            ParagraphClassifier(**QUICK).fit(TEXTS, LABELS, **{name: [1, 2, 3]})
    with pytest.raises(ValueError, match="0 or more"):
        ParagraphClassifier(**QUICK).fit(TEXTS, LABELS, sample_weight=-np.ones(len(TEXTS)))


@pytest.mark.parametrize(("what", "x", "y", "reason"), BAD, ids=[case[0] for case in BAD])
def test_unusable_input(what: str, x: Any, y: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ParagraphClassifier(**QUICK).fit(x, y)


def test_not_fitted() -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        ParagraphClassifier().predict(["a"])
