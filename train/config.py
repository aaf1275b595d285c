"""What can be set about a training, with defaults that were measured."""

from dataclasses import dataclass

from parastance.predict.batch import cores


@dataclass(frozen=True)
class Config:
    """Settings of `train`.

    seed: of everything random. folds: grouped folds of the cross-validation. regularisation: the values of C tried,
    least first. tolerance: macro-F1 that a smaller C may lose to a larger one and still be chosen. notions: whether topics see
    the shipped word vectors (`seeds/notions.npz`), which were learnt on news about wars.
    """

    seed: int = 0
    folds: int = 5
    regularisation: tuple[float, ...] = (3.0, 10.0)
    tolerance: float = 0.002
    notions: bool = True
    jobs: int = cores()
