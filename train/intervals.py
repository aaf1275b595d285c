"""Confidence intervals of a share: from counts, from counts clustered by document, and from an estimate with its error.

Pure functions of numbers; where the numbers come from is not known here.
"""

import math

from scipy.special import betaincinv, ndtri, stdtrit

Interval = tuple[float, float]


def normal_quantile(confidence: float) -> float:
    """Return z such that a standard normal lies within -z and z with the given probability."""
    return float(ndtri((1 + confidence) / 2))


def t_quantile(confidence: float, freedom: float) -> float:
    """Return t such that Student's t lies within -t and t with the given probability; freedom: degrees, at least 1."""
    return float(stdtrit(max(1.0, freedom), (1 + confidence) / 2))


def wilson(share: float, size: float, z: float) -> Interval:
    """Return Wilson's score interval (1927, JASA 22) of a share seen in `size` independent rows; size may be fractional."""
    if size <= 0:
        return 0.0, 1.0
    middle = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    return max(0.0, middle - half), min(1.0, middle + half)


def clopper_pearson(count: float, size: float, confidence: float) -> Interval:
    """Return the exact binomial interval (Clopper and Pearson 1934, Biometrika 26); count and size may be fractional."""
    tail = (1 - confidence) / 2
    low = float(betaincinv(count, size - count + 1, tail)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, size - count, 1 - tail)) if count < size else 1.0
    return low, high


def clustered(share: float, variance: float, rows: float, clusters: float, even: float, confidence: float) -> Interval:
    """Return the interval of a share among rows that come in clusters.

    variance: of the share, between clusters; clusters: how many there are; even: Kish's effective number of them,
    (sum of sizes)^2 / sum of squared sizes. Wilson's interval with the effective sample size, which is reduced for the
    degrees of freedom of the variance (Korn and Graubard 1998, Survey Methodology 24) and never exceeds the rows. Where
    the share is 0 or 1 the variance says nothing: then the exact interval with each cluster counted as one row.
    """
    if clusters < 2:
        return 0.0, 1.0
    if not 0 < share < 1 or variance <= 0:
        return clopper_pearson(share * even, even, confidence)
    z, t = normal_quantile(confidence), t_quantile(confidence, clusters - 1)
    size = min(rows, share * (1 - share) / variance * (z / t) ** 2)
    return wilson(share, size, z)


def logit(share: float, error: float, t: float) -> Interval:
    """Return share -+ t standard errors on the logit scale, by the delta method; share lies strictly between 0 and 1."""
    middle = math.log(share / (1 - share))
    half = t * error / (share * (1 - share))
    return _expit(middle - half), _expit(middle + half)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
