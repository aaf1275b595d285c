"""Which implementation scores: the compiled kernel where it was built, else NumPy; both give the same scores.

The environment variable PARASTANCE_KERNEL=numpy forces NumPy, PARASTANCE_KERNEL=c refuses to go on without the kernel.
"""

import os
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from parastance.predict.errors import UsageError

if TYPE_CHECKING:
    from parastance.predict.blocks import Blocks
    from parastance.predict.model import Unit
    from parastance.predict.scorer import Scored
    from parastance.predict.targets import Registry

VARIABLE = "PARASTANCE_KERNEL"
INTERFACE = 9  # raise it here and in `_kernel.c` with every change of what is called


def _compiled() -> Any:
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "c", "numpy"):
        raise UsageError(f"{VARIABLE}={wanted}: must be c or numpy")
    if wanted == "numpy":
        return None
    try:
        module = import_module("parastance.predict._kernel")
        if getattr(module, "INTERFACE", 1) != INTERFACE:
            raise ImportError("it was built for another version")
        return module
    except ImportError as error:
        if wanted == "c":
            raise UsageError(f"{VARIABLE}=c, but the kernel was not built: {error}; install again with a C compiler") from None
        return None


class Scorer(Protocol):
    """Scores units by an artifact's blocks."""

    def score(self, units: Sequence["Unit"], registry: "Registry", pool: bool) -> "Scored":
        """Return the scores of some units, the strongest sentences' share added to topics and stance where `pool` is true."""

    def score_texts(self, texts: list[str], registry: "Registry", target: str) -> "Scored":
        """Return the scores, with the strongest sentences' share, of texts that nothing else is known of, asked of one target."""


@cache
def kernel_module() -> Any:
    """Return the compiled module, ready to use, or None."""
    module = _compiled()
    if module is not None:
        from parastance.predict.unicode import class_block, word_forms

        module.setup(os.urandom(48), word_forms, class_block)
    return module


def make_scorer(blocks: "Blocks") -> Scorer:
    """Return what scores by an artifact's blocks."""
    module = kernel_module()
    if module is None:
        from parastance.predict.plain import PlainScorer

        found: Scorer = PlainScorer(blocks)
    else:
        from parastance.predict.compiled import CompiledScorer

        found = CompiledScorer(blocks, module)
    if not blocks.written:
        return found
    from parastance.predict.written import WithWritten

    return WithWritten(blocks, found)


def implementation() -> str:
    """Return the name of the implementation that scores: `the C kernel` or `NumPy`."""
    return "NumPy" if _compiled() is None else "the C kernel"
