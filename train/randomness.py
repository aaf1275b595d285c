"""Whether an audit looks like records drawn at random: what its rows are, against what all records are.

An interval that rests on an audit holds if its rows were drawn at random, which nobody can prove from the rows; but rows picked by
outlet, or for what the classifier says of them, give themselves away, for groups and given labels are known of all records.
"""

from collections.abc import Iterable

from scipy.special import betainc

CHANCE = 1e-6  # of a count as far out, below which it is none: so many counts may be looked at


def suspicion(rows: int, records: int, counts: Iterable[tuple[str, int, float]]) -> list[str]:
    """Return what shows that `rows` audited rows were not drawn at random from `records`: the strangest count; empty if none.

    counts: (what is counted, how many audited rows are so, how many records are). The test is the exact binomial one, which
    rows drawn without replacement pass more easily still.
    """
    found: list[tuple[float, str]] = []
    for what, seen, total in counts:
        part = min(1.0, total / records)
        above = float(betainc(seen, rows - seen + 1, part)) if seen else 1.0  # the chance of as many or more
        below = float(betainc(rows - seen, seen + 1, 1 - part)) if seen < rows else 1.0  # of as many or fewer
        if min(above, below) < CHANCE:
            told = f"{seen:,} of its {rows:,} rows are {what}, where chance gives {rows * part:,.0f}"
            found.append((min(above, below), told))
    if not found:
        return []
    return [f"the audit does not look drawn at random: {min(found)[1]}; if it was not, these intervals do not hold"]
