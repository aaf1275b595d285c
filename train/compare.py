"""What the real paragraphs bring: the same training without them, both judged on the real ones."""

from dataclasses import replace
from typing import Any

import numpy as np

from parastance.predict.metrics import head_scores
from parastance.predict.model import Model
from parastance.train.config import Config
from parastance.train.drawn import are_real
from parastance.train.evaluate import evaluate
from parastance.train.fit import Fitted, fit


def with_and_without(fitted: Fitted, config: Config) -> dict[str, dict[str, float]]:
    """Return macro-F1 per head on the real rows: of the model trained on all (held-out folds), and of one without them.

    Empty where the data are all written or all real.
    """
    real = are_real(fitted.rows)
    if real.all() or not real.any():
        return {}
    written = [row for row, is_real in zip(fitted.rows, real, strict=True) if not is_real]
    alone = fit(written, replace(config, folds=3, regularisation=config.regularisation[:1], slices=False))
    scores = evaluate(Model.from_artifact(alone.artifact, "written"), [fitted.rows[at] for at in np.flatnonzero(real)])
    return {
        "written and real": {name: _held_out(fitted, name, real) for name in fitted.heads},
        "written only": {name: float(scores[name]["macro_f1"]) for name in fitted.heads},
    }


def _held_out(fitted: Fitted, name: str, chosen: Any) -> float:
    """Return macro-F1 of a head's held-out labels on the chosen rows."""
    head = fitted.heads[name]
    inside = chosen[head.rows]
    said = head.judged.part(inside)
    scores = head_scores(
        head.head.labels, head.truth[inside], said.given, said.probability, said.certain, head.head.exclusive
    )
    return float(scores["macro_f1"])
