"""Training: labelled paragraphs in, an artifact out. Imports `parastance.predict`, never the other way round."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parastance.train.estimator import ParagraphClassifier

__all__ = ["ParagraphClassifier"]


def __getattr__(name: str) -> Any:
    """Import scikit-learn only when the estimator is asked for."""
    if name in __all__:
        from parastance.train import estimator

        return getattr(estimator, name)
    raise AttributeError(name)
