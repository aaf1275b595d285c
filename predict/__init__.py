"""The runtime: paragraphs in, labels out. Needs numpy; imports neither scikit-learn nor `parastance.train`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parastance.predict.model import Model, load

__all__ = ["Model", "load"]


def __getattr__(name: str) -> Any:
    """Import the model only when it is asked for, so that `parastance --help` stays quick."""
    if name in __all__:
        from parastance.predict import model

        return getattr(model, name)
    raise AttributeError(name)
