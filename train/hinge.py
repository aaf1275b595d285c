"""The loss of a support vector machine, for `logistic.minimise`."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from parastance.predict.scorer import Matrix


class SquaredHinge:
    """Squared hinge loss of one label: truth, bool, and costs, float64, of shape (n,).

    Chang, Hsieh and Lin 2008, "Coordinate descent method for large-scale L2-loss linear support vector machines", JMLR 9; its
    generalised Hessian counts the rows inside the margin.
    """

    def __init__(self, truth: NDArray[np.bool_], costs: Matrix) -> None:
        self.costs, self.sign = costs, np.where(truth, 1.0, -1.0)

    def value(self, scores: Matrix) -> float:
        """Return what the scores cost."""
        return float(self.costs @ np.square(self._slack(scores)))

    def slope(self, scores: Matrix) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
        """Return (the gradient, the function that multiplies with the generalised Hessian)."""
        slack = self._slack(scores)
        bend = 2.0 * self.costs * (slack > 0)
        return -2.0 * self.costs * self.sign * slack, lambda step: bend * step

    def _slack(self, scores: Matrix) -> Matrix:
        return np.maximum(0.0, 1.0 - self.sign * scores)
