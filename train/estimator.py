"""The same training for people who live in scikit-learn: an estimator over lists of texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from parastance.predict.model import Model, Unit, chunks
from parastance.train.config import Config
from parastance.train.data import LabelledRow
from parastance.train.fit import fit


class ParagraphClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies paragraphs: several labels each (y is a 0/1 matrix or a list of label lists), or one (y is a list of labels).

    One label each is learnt as a stance: from the text with the target masked and what stands around it. `target` names
    whom it is about: a name of the registry, or any other name, which is then found in the text by its own words.
    Its settings are chosen by grouped cross-validation as in `parastance train`, or, with `search=False`, are the shipped
    model's with the best of the strengths in `C`; `folds` grouped folds calibrate and set the cut-offs. A setting of `Recipe` in
    `settings` is kept as given, such as `{"blocks": ("masked", "subwords")}`.

    Attributes after fit: `classes_`, labels in the order of `predict_proba`'s columns; `model_`, the runtime model;
    `artifact_`, the dict that a model file holds; `multilabel_`.
    """

    def __init__(
        self, C: Sequence[float] = (3.0, 10.0), folds: int = 5, target: str | None = None, random_state: int = 0,
        search: bool = True, settings: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.C = C
        self.folds = folds
        self.target = target
        self.random_state = random_state
        self.search = search
        self.settings = settings

    def fit(self, X: Sequence[str], y: Any, groups: Sequence[Any] | None = None) -> "ParagraphClassifier":
        """Fit on n texts and their labels; rows of one group never straddle a fold. Raises ValueError for unusable input."""
        texts = _texts(X)
        answers, self.multilabel_ = _answers(y)
        if len(answers) != len(texts):
            raise ValueError(f"{len(texts)} texts but {len(answers)} labels")
        if not texts:
            raise ValueError("no label in y: there are no texts")
        owner = [str(at) for at in range(len(texts))] if groups is None else [str(group) for group in groups]
        rows = [
            LabelledRow(
                id=str(at), text=text, topics=tuple(answer) if self.multilabel_ else None,
                stance=None if self.multilabel_ else answer, kind=None, target=self.target, mentions=None, group=group,
            )
            for at, (text, answer, group) in enumerate(zip(texts, answers, owner, strict=True))
        ]  # fmt: skip
        self.head_ = "topics" if self.multilabel_ else "stance"
        config = Config(
            seed=self.random_state, folds=self.folds, search=self.search, regularisation=tuple(self.C), notions=False,
            heads={self.head_: dict(self.settings or {})},
        )  # fmt: skip
        self.artifact_ = fit(rows, config).artifact
        if self.head_ not in self.artifact_["heads"]:
            raise ValueError("no label in y")
        self._load()
        return self

    def _load(self) -> None:
        self.model_ = Model.from_artifact(self.artifact_, "ParagraphClassifier")
        labels = self.model_.heads[self.head_].labels
        self.classes_ = np.array(labels)

    def _chunks(self, X: Sequence[str]) -> Any:
        check_is_fitted(self, "artifact_")
        units = [Unit(text, self.target) for text in _texts(X)]
        return [self.model_.decide(chunk) for chunk in chunks(units)]

    def predict_proba(self, X: Sequence[str]) -> NDArray[np.float64]:
        """Return calibrated probabilities, float64 of shape (n, classes): rows sum to 1 unless `multilabel_`."""
        parts = [labels.probabilities[self.head_] for labels in self._chunks(X)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes_)))

    def predict(self, X: Sequence[str]) -> NDArray[Any]:
        """Return the labels: an array of names, shape (n,), or of 0 and 1, shape (n, classes), if `multilabel_`."""
        parts = [labels.given[self.head_] for labels in self._chunks(X)]
        given = np.concatenate(parts) if parts else np.zeros((0, len(self.classes_)), dtype=bool)
        return given.astype(int) if self.multilabel_ else self.classes_[given.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        return tags


def _texts(X: Sequence[str]) -> list[str]:
    texts = [X] if isinstance(X, str) else list(X)
    if isinstance(X, str) or not all(isinstance(text, str) for text in texts):
        raise ValueError("X must be a list of strings")
    return [str(text) for text in texts]


def _answers(y: Any) -> tuple[list[Any], bool]:
    """Return (a list of label lists, True) or (a list of labels, False)."""
    if isinstance(y, np.ndarray) and y.ndim == 2:
        names = [str(at) for at in range(y.shape[1])]
        return [[name for name, yes in zip(names, row, strict=True) if yes] for row in y], True
    listed = list(y)
    if listed and all(isinstance(item, (list, tuple, set, frozenset)) for item in listed):
        return [sorted(str(name) for name in item) for item in listed], True
    return [str(item) for item in listed], False
