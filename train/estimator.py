"""The same training for people who live in scikit-learn: an estimator over lists of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from parastance.predict.errors import ParastanceError
from parastance.predict.model import Model, Unit, chunks
from parastance.train.answers import Answers, answers_of
from parastance.train.config import Config
from parastance.train.data import LabelledRow
from parastance.train.fit import fit
from parastance.train.recipe import Recipe

STRENGTHS = (3.0, 10.0)  # of regularisation, tried where nothing is searched


class ParagraphClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies paragraphs: several labels each (y is a matrix of 0 and 1 or a list of lists), or one (y is a list of labels).

    One label each is learnt as a stance: from the text with the target masked and what stands around it. `target` names
    whom it is about: a name of the registry, or any other name, which is then found in the text by its own words.
    Its settings are chosen by grouped cross-validation as in `parastance train`, or, with `search=False`, are the shipped
    model's with the best of the strengths in `C`; `folds` grouped folds calibrate and set the cut-offs. `C` may be one number,
    which is kept, or, with `search=False`, several that are tried. A setting of `Recipe` in `settings` is kept as given, such as
    `{"blocks": ("masked", "subwords")}`.

    Attributes after fit: `classes_`, the classes of y in the order of `predict_proba`'s columns: sorted, or the columns of the
    matrix; `model_`, the runtime model; `artifact_`, the dict that a model file holds; `multilabel_`.
    """

    def __init__(
        self, C: float | Sequence[float] | None = None, folds: int = 5, target: str | None = None, random_state: int = 0,
        search: bool = True, settings: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.C = C
        self.folds = folds
        self.target = target
        self.random_state = random_state
        self.search = search
        self.settings = settings

    def fit(
        self, X: Sequence[str], y: Any, groups: Sequence[Any] | None = None, sample_weight: Sequence[float] | None = None
    ) -> "ParagraphClassifier":
        """Fit on n texts and their labels; rows of one group never straddle a fold. Raises ValueError for unusable input.

        sample_weight: how much each row counts for the classifiers; calibration and cut-offs count every row once.
        """
        texts, found = _texts(X), answers_of(y)
        _same_length(texts, y=found.rows, groups=groups, sample_weight=sample_weight)
        if not texts:
            raise ValueError("no label in y: there are no texts")
        head = "topics" if found.several else "stance"
        owner = [str(at) for at in range(len(texts))] if groups is None else [str(group) for group in groups]
        rows = [self._row(at, *row, found.several) for at, row in enumerate(zip(texts, found.rows, owner, strict=True))]
        try:
            fitted = fit(rows, self._config(head), weights=_weights(sample_weight))
        except ParastanceError as error:
            raise ValueError(str(error)) from None
        self.artifact_, self.head_, self.multilabel_ = fitted.artifact, head, found.several
        self._load(found)
        return self

    def _row(self, at: int, text: str, names: Sequence[str], group: str, several: bool) -> LabelledRow:
        return LabelledRow(
            id=str(at), text=text, topics=tuple(names) if several else None, stance=None if several else names[0], kind=None,
            target=self.target, mentions=None, group=group,
        )  # fmt: skip

    def _config(self, head: str) -> Config:
        """Return the configuration that the parameters mean. Raises ValueError for a wrong one."""
        settings = dict(self.settings or {})
        unknown = sorted(set(settings) - {key.name for key in fields(Recipe)})
        if unknown:
            raise ValueError(f"settings: {unknown[0]!r} is unknown; there are {', '.join(key.name for key in fields(Recipe))}")
        if not isinstance(self.folds, (int, np.integer)) or self.folds < 2:
            raise ValueError(f"folds must be a whole number from 2 on, it is {self.folds!r}")
        strengths = np.atleast_1d(np.asarray(STRENGTHS if self.C is None else self.C, dtype=np.float64))
        if strengths.ndim != 1 or not len(strengths) or not (np.isfinite(strengths) & (strengths > 0)).all():
            raise ValueError(f"C must be a number above 0, or several, it is {self.C!r}")
        if isinstance(self.C, (int, float, np.number)):
            settings.setdefault("C", float(self.C))
        elif self.search and self.C is not None:
            raise ValueError("several values of C are tried with search=False; with search=True give one, or none to search it")
        return Config(
            seed=self.random_state, folds=int(self.folds), search=self.search, regularisation=tuple(strengths.tolist()),
            notions=False, heads={head: settings},
        )  # fmt: skip

    def _load(self, found: Answers) -> None:
        self.model_ = Model.from_artifact(self.artifact_, "ParagraphClassifier")
        place = {name: at for at, name in enumerate(self.model_.heads[self.head_].labels)}
        self.classes_ = found.classes
        self._columns = np.array([place.get(name, -1) for name in found.names])

    def _columns_of(self, X: Sequence[str], what: str) -> NDArray[Any]:
        """Return an array of `model.Labels`, of shape (n, classes): 0 for a class that no row had."""
        check_is_fitted(self, "artifact_")
        units = [Unit(text, self.target) for text in _texts(X)]
        parts = [getattr(self.model_.decide(chunk), what)[self.head_] for chunk in chunks(units)]
        width = len(self.model_.heads[self.head_].labels)
        joined = np.concatenate(parts) if parts else np.zeros((0, width))
        return np.asarray(np.where(self._columns >= 0, joined[:, self._columns], 0))

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:
        """Return calibrated probabilities, float64 of shape (n, classes): rows sum to 1 unless `multilabel_`."""
        return self._columns_of(X, "probabilities")

    def predict(self, X: Sequence[str]) -> NDArray[Any]:
        """Return the labels: an array of classes, shape (n,), or of 0 and 1, shape (n, classes), if `multilabel_`."""
        given = self._columns_of(X, "given")
        return given.astype(int) if self.multilabel_ else self.classes_[given.argmax(axis=1)]

    def score(self, X: Sequence[str], y: Any, sample_weight: Sequence[float] | None = None) -> float:
        """Return the share of texts of which every label is right; y in any of the forms that `fit` takes."""
        given = self.predict(X)
        if not self.multilabel_:
            return float(accuracy_score(np.asarray(y), given, sample_weight=sample_weight))
        truth, place = answers_of(y), {str(one): at for at, one in enumerate(self.classes_.tolist())}
        wanted = [{place.get(name, -1) for name in row} for row in truth.rows]
        right = [set(np.flatnonzero(row).tolist()) == row_wanted for row, row_wanted in zip(given, wanted, strict=True)]
        return float(np.average(right, weights=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        return tags


def _texts(X: Sequence[str]) -> list[str]:
    if hasattr(X, "columns"):
        raise ValueError("X must be a list of strings, it is a table: give one column of it")
    if isinstance(X, str) or not hasattr(X, "__iter__"):
        raise ValueError(f"X must be a list of strings, it is {type(X).__name__}")
    texts = list(X)
    for at, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"X must be a list of strings, X[{at}] is {type(text).__name__}")
    return [str(text) for text in texts]


def _same_length(texts: Sequence[str], **others: Any) -> None:
    for name, values in others.items():
        if values is not None and len(values) != len(texts):
            raise ValueError(f"{len(texts)} texts but {len(values)} {'labels' if name == 'y' else f'in {name}'}")


def _weights(given: Sequence[float] | None) -> NDArray[np.float64] | None:
    if given is None:
        return None
    weights = np.asarray(given, dtype=np.float64)
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        raise ValueError("sample_weight must hold numbers of 0 or more, not all of them 0")
    return weights
