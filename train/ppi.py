"""A label's share corrected by an audit: prediction-powered inference on arrays.

The classifier's scores of all rows give a precise but biased share; rows audited at random say how biased. Their
difference is the difference estimator of survey sampling (Särndal, Swensson and Wretman 1992), named prediction-powered
inference by Angelopoulos, Bates, Fannjiang, Jordan and Zrnic (2023, Science 382), with a weight on the scores tuned as in
PPI++ (Angelopoulos, Duchi and Zrnic 2023). Its interval holds however bad the scores are, for a useless classifier gets
the weight 0; but not where the classifier was trained on the audited rows, and it rests on a normal limit, which needs errors
to have been seen. Where too few were, the share comes from the strata of rows given and not given the label (Card 1982;
Olofsson et al. 2014) with Jeffreys posteriors, whose intervals cover as they should in small samples too (Brown, Cai and
DasGupta 2001, Statistical Science 16).
"""

import numpy as np

from parastance.train.intervals import logit, t_quantile
from parastance.train.population import Audited, Documents, Estimate, Group, Vector
from parastance.train.strata import strata

FEWEST = 15  # errors, right labels and others audited, below which the normal limit is not used; 10 covered 0.935 at 5%, n=800


def ratio(group: Group, audited: Audited, weight: float) -> tuple[float, float]:
    """Return (corrected share, corrected part of the rows that is in the denominator)."""
    part = audited.parts()
    above = weight * group.score / group.rows + part @ (audited.truth - weight * audited.score)
    below = weight * group.counted / group.rows + part @ (audited.content - weight * audited.counted)
    return (float(above / below) if below > 0 else float("nan")), float(below)


def tuned_weight(audited: Audited) -> float:
    """Return the weight of the scores, within [0, 1], that makes the variance least (PPI++): their regression slope."""
    part = audited.parts()
    content = float(part @ audited.content)
    share = float(part @ audited.truth) / content if content > 0 else 0.0
    truth = audited.truth - share * audited.content
    score = audited.score - share * audited.counted
    truth, score = truth - part @ truth, score - part @ score
    variance = float(part @ score**2)
    return float(np.clip(part @ (truth * score) / variance, 0, 1)) if variance > 1e-12 else 0.0


def residuals(audited: Audited, share: float, weight: float) -> Vector:
    """Return each audited row's part of the estimate's error, centred in its stratum, float64 (n,)."""
    error = audited.truth - share * audited.content - weight * (audited.score - share * audited.counted)
    part = audited.parts()
    mass = np.bincount(audited.stratum, part)
    mean = np.bincount(audited.stratum, part * error) / np.where(mass > 0, mass, 1.0)
    return np.asarray(part * (error - mean[audited.stratum]))


def audit_variance(audited: Audited, residual: Vector) -> tuple[float, float]:
    """Return (variance of the share that comes from which rows were audited, its degrees of freedom).

    Rows drawn without replacement, in strata where there are any; or whole documents.
    """
    if audited.by_document:
        sums = np.bincount(audited.document, residual)
        count = len(np.unique(audited.document))
        return float((1 - audited.chance.mean()) * count / max(1, count - 1) * (sums @ sums)), float(count - 1)
    size = np.bincount(audited.stratum)
    factor = (size / np.maximum(size - 1, 1))[audited.stratum]
    return float(np.sum(factor * (1 - audited.chance) * residual**2)), float(len(audited) - np.count_nonzero(size))


def normal_holds(audited: Audited) -> bool:
    """Whether enough errors, right labels and others were audited for the normal limit."""
    wrong = int(np.count_nonzero(audited.truth != audited.given))
    right, others = int(audited.truth.sum()), int((audited.content - audited.truth).sum())
    enough = min(wrong, right, others) >= FEWEST
    return enough and (not audited.by_document or len(np.unique(audited.document)) > FEWEST)


def corrected(
    group: Group, audited: Audited, weight: float, confidence: float, documents: Documents | None = None, seed: int = 0
) -> Estimate:
    """Return the corrected share of a label in a group, of which at least one row was audited.

    weight: `tuned_weight` of all audited rows. documents: given where the archive is a sample of something larger; None
    where the archive is all that is asked about. seed: of the posterior draws.
    """
    if normal_holds(audited):
        share, below = ratio(group, audited, weight)
        if 0 < share < 1 and below > 0:
            residual = residuals(audited, share, weight)
            variance, freedom = audit_variance(audited, residual)
            if documents is not None:
                variance = documents.joint_variance(group, audited, share, weight, residual)
                freedom = min(freedom, documents.count - 1)
            low, high = logit(share, float(np.sqrt(variance)) / below, t_quantile(confidence, freedom))
            return Estimate(share, low, high, "ppi++")
    return Estimate(*strata(group, audited, confidence, documents, seed), "strata")
