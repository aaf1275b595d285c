"""Scores to probabilities and labels by the compiled kernel: what `heads` defines, row by row and without arrays between."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.blocks import ORDER, Blocks
from parastance.predict.heads import Head
from parastance.predict.scorer import Matrix, Scored

Answers = tuple[dict[str, Matrix], dict[str, NDArray[np.bool_]], dict[str, NDArray[np.bool_]]]


class CompiledJudge:
    """Judges the scores of a model all of whose heads are in `blocks.ORDER`. May be called by several threads at once."""

    def __init__(self, blocks: Blocks, heads: dict[str, Head], module: Any) -> None:
        self.columns = {name: blocks.columns[name] for name in heads}
        boilerplate = heads["kind"].labels.index("boilerplate") if "kind" in heads else 0
        self._judge = module.Judge(blocks.width, boilerplate, *rules_of(heads, blocks, str.encode))

    def __call__(self, scored: Scored) -> Answers:
        """Return, per head, (probabilities, which labels are given, which of them are certain), each of shape (n, k)."""
        scores = np.ascontiguousarray(scored.scores)
        shares, given, certain = np.zeros(scores.shape), np.zeros(scores.shape, np.bool_), np.zeros(scores.shape, np.bool_)
        flags = scored.known.view(np.uint8) | scored.named.view(np.uint8) << 1
        self._judge.rows(scores, flags, shares, given.view(np.uint8), certain.view(np.uint8))
        own = self.columns.items()
        chosen, sure = ({name: of[:, columns] for name, columns in own} for of in (given, certain))
        return {name: shares[:, columns] for name, columns in own}, chosen, sure


def rules_of(heads: dict[str, Head], blocks: Blocks, spelled: Callable[[str], bytes]) -> list[tuple[Any, ...] | None]:
    """Return the heads in `ORDER` as the kernel takes them, None where there is none; spelled: how it is to write a label."""
    return [_rule_of(heads[name], blocks.columns[name].start, spelled) if name in heads else None for name in ORDER]


def _rule_of(head: Head, column: int, spelled: Callable[[str], bytes]) -> tuple[Any, ...]:
    """Return a head as the kernel takes it, see `_kernel_lines_type.h`; column: its first of the matrix of scores."""
    k = len(head.labels)
    numbers = np.array([np.broadcast_to(each, k) for each in (head.slope, head.shift, head.cut, head.certified)], np.float64)
    curves = tuple(b"" if curve is None else np.asarray(curve, np.float64).tobytes() for curve in head.curves or [None] * k)
    rules = (head.exclusive, head.at_least_one, head.at_most_one, head.unnamed_neutral)
    return tuple(map(spelled, head.labels)), column, head.fallback, *rules, numbers.tobytes(), curves
