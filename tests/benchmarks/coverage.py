"""How often the intervals of `parastance shares` cover the truth: simulated archives, classifiers and audits.

    python tests/benchmarks/coverage.py                     # all cases, 2,000 simulations each: some ten minutes
    python tests/benchmarks/coverage.py --runs 500 --only documents
    python tests/benchmarks/coverage.py --real labelled.jsonl --model artifacts/written     # a model and rows it never saw

An archive of paragraphs in documents is drawn, with labels that cluster in documents and a classifier of the wanted
quality. Cases of `archive` ask about that very archive and draw the audit anew each time; cases of `larger` draw the
documents anew as well, and ask about what they were drawn from. Exit status 1 where a case falls out of its range.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from parastance.train.intervals import clustered
from parastance.train.population import Audited, Documents, Group, worth
from parastance.train.ppi import corrected, tuned_weight

QUALITY = {  # (mean score of the others, of the right ones, spread, whether the scores know how common the label is)
    "good": (-2.2, 2.2, 1.2, 0.5),
    "fair": (-0.8, 0.8, 1.2, 1.0),
    "useless": (0.0, 0.0, 1.0, 1.0),
    "inverted": (1.0, -1.0, 1.2, 0.0),
}
NOMINAL = 0.95
INSIDE = (0.93, 0.97)


@dataclass(frozen=True)
class Case:
    """One thing to simulate. inside: whether coverage is held to 93-97%; where an audit holds few of the label, or few errors, only
    to 93% and more."""

    name: str
    share: float = 0.2
    quality: str = "fair"
    audited: int = 200
    rows: int = 10_000
    clustering: float = 0.0
    furniture: float = 0.0
    design: str = "rows"
    larger: bool = False
    inside: bool = True


@dataclass(frozen=True)
class Archive:
    """Simulated rows: true label and content, the classifier's score, content and decision, and the document's number."""

    truth: np.ndarray
    content: np.ndarray
    score: np.ndarray
    counted: np.ndarray
    given: np.ndarray
    document: np.ndarray

    @property
    def share(self) -> float:
        return float(self.truth.sum() / self.content.sum())


def expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def simulate(case: Case, rng: np.random.Generator) -> Archive:
    """Return an archive with the case's share, clustering (standard deviation of documents in logits) and classifier."""
    sizes = 1 + rng.poisson(9, case.rows // 10)
    document = np.repeat(np.arange(len(sizes)), sizes)
    base = np.log(case.share / (1 - case.share))
    lean = rng.normal(0, case.clustering, len(sizes))[document] if case.clustering else 0.0
    content = rng.random(len(document)) >= case.furniture
    truth = content & (rng.random(len(document)) < expit(base + lean))
    low, high, spread, knows = QUALITY[case.quality]
    score = expit(rng.normal(np.where(truth, high, low), spread) + knows * base)
    slip = rng.random(len(document)) < 0.1
    counted = np.where(slip, ~content, content) if case.furniture else content
    return Archive(
        truth.astype(float), content.astype(float), score * counted, counted.astype(float), (score >= 0.5) & counted, document
    )


def draw(case: Case, archive: Archive, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (audited rows, their chance of being drawn, their strata)."""
    total, n = len(archive.truth), case.audited
    zeros = np.zeros(n, dtype=np.int64)
    if case.design == "rows":
        return rng.choice(total, n, replace=False), np.full(n, n / total), zeros
    if case.design == "documents":
        count = archive.document[-1] + 1
        chosen = rng.choice(count, n // 10, replace=False)
        rows = np.flatnonzero(np.isin(archive.document, chosen))
        return rows, np.full(len(rows), len(chosen) / count), np.zeros(len(rows), dtype=np.int64)
    if case.design == "unequal":  # uncertain rows four times as likely
        odds = np.where(np.abs(archive.score - 0.5) < 0.3, 4.0, 1.0)
        chance = np.minimum(1.0, n * odds / odds.sum())
        rows = np.flatnonzero(rng.random(total) < chance)
        return rows, chance[rows], np.zeros(len(rows), dtype=np.int64)
    halves = [np.flatnonzero(archive.given), np.flatnonzero(~archive.given)]  # stratified by the label given
    picks = [rng.choice(half, min(len(half), n // 2), replace=False) for half in halves]
    chance = [np.full(len(pick), len(pick) / len(half)) for pick, half in zip(picks, halves, strict=True)]
    return np.concatenate(picks), np.concatenate(chance), np.repeat([0, 1], [len(pick) for pick in picks])


def sums(archive: Archive, rows: np.ndarray) -> tuple[Group, Documents]:
    """Return what `parastance shares` adds up of an archive."""
    s, q, m = (np.bincount(archive.document, v) for v in (archive.score, archive.counted, np.ones(len(archive.truth))))
    even = q.sum() ** 2 / (q @ q)
    own = np.stack([s, q, m], axis=1)[archive.document[rows]]
    given = np.bincount(archive.document, archive.given)
    part = given.sum() / q.sum()
    spread = ((given - part * q) ** 2).sum() / q.sum() ** 2
    documents = Documents(len(s), even, worth(part, spread, q.sum(), even), s @ s, s @ q, s @ m, q @ q, q @ m, m @ m, own)
    return Group(len(archive.truth), archive.score.sum(), archive.counted.sum(), float(archive.given.sum())), documents


def interval(case: Case, archive: Archive, rng: np.random.Generator, weight: float | None = None) -> tuple[float, float, str]:
    """Return the interval of one simulated audit, and the method that made it."""
    if case.design == "none":
        y, q = (np.bincount(archive.document, v) for v in (archive.truth, archive.content))
        share = y.sum() / q.sum()
        spread = float(((y - share * q) ** 2).sum() / q.sum() ** 2 * len(q) / (len(q) - 1))
        return (*clustered(share, spread, q.sum(), len(q), q.sum() ** 2 / (q @ q), NOMINAL), "clustered")
    rows, chance, stratum = draw(case, archive, rng)
    audited = Audited(
        archive.truth[rows], archive.content[rows], archive.score[rows], archive.counted[rows], archive.given[rows],
        chance, stratum, archive.document[rows], case.design == "documents",
    )  # fmt: skip
    group, documents = sums(archive, rows)
    estimate = corrected(
        group, audited, tuned_weight(audited) if weight is None else weight, NOMINAL, documents if case.larger else None,
        int(rng.integers(1 << 30)),
    )  # fmt: skip
    return estimate.low, estimate.high, estimate.method


def coverage(case: Case, runs: int, seed: int = 0) -> tuple[float, float, float, float]:
    """Return (coverage, mean width, width of a normal interval from the audit alone, share of runs by PPI++)."""
    rng = np.random.default_rng(seed)
    archive = simulate(case, rng)
    truth = archive.share
    if case.larger:
        truth = float(np.mean([simulate(case, rng).share for _ in range(300)]))
    hits = width = normal = 0.0
    for _ in range(runs):
        if case.larger:
            archive = simulate(case, rng)
        low, high, method = interval(case, archive, rng)
        hits += low <= truth <= high
        width += high - low
        normal += method == "ppi++"
    plain = 2 * 1.96 * (truth * (1 - truth) / case.audited) ** 0.5
    return hits / runs, width / runs, plain, normal / runs


def cases() -> list[Case]:
    """Return all cases, by what they are about."""
    found = [
        Case(f"rows {share:.0%} {quality} n={n}", share, quality, n, inside=share * n >= 10 and (quality, n) != ("good", 50))
        for share in (0.01, 0.05, 0.2, 0.5)
        for quality in QUALITY
        for n in (50, 200, 800)
    ]
    for share in (0.05, 0.3):
        for quality in ("good", "fair", "useless"):
            case = {"share": share, "quality": quality, "inside": share > 0.1}
            found += [
                Case(f"clustered {share:.0%} {quality}", clustering=1.0, **case),
                Case(f"documents {share:.0%} {quality} n=400", clustering=1.0, design="documents", audited=400, **case),
                Case(f"unequal chances {share:.0%} {quality}", design="unequal", audited=300, **case),
                Case(f"stratified {share:.0%} {quality}", design="stratified", audited=300, **case),
                Case(f"furniture {share:.0%} {quality}", furniture=0.2, audited=300, **case),
                Case(f"group of 400 {share:.0%} {quality} n=40", rows=400, audited=40, **{**case, "inside": False}),
                Case(f"group of 400 {share:.0%} {quality} n=200", rows=400, audited=200, **case),
                Case(f"larger {share:.0%} {quality}", rows=2000, clustering=1.0, audited=300, larger=True, **case),
            ]
    found += [
        Case(f"no audit, larger {share:.0%} {rows // 10} documents", share, "good", 200, rows, 1.0, 0.0, "none", True)
        for share in (0.01, 0.05, 0.3)
        for rows in (300, 1000, 5000)
    ]
    return found


def real_archives(file: str, folder: str | None) -> dict[str, Archive]:
    """Return labelled rows as archives, one a label, with what a model says of them."""
    from parastance.predict import load
    from parastance.train.data import read_labelled

    model = load(folder)
    rows = [row for row in read_labelled([file]) if row.topics is not None and row.stance is not None]
    records = model.label([row.text for row in rows])
    document = np.unique([row.group for row in rows], return_inverse=True)[1]
    content = np.array([row.kind != "boilerplate" for row in rows])
    counted = np.array([record["kind"] != "boilerplate" for record in records])
    found = {}
    for head, name in (("topics", "topic_probabilities"), ("stance", "stance_probabilities")):
        for label in records[0][name]:
            truth = content & [label in (row.topics if head == "topics" else [row.stance]) for row in rows]
            given = counted & [label in (record["topics"] if head == "topics" else [record["stance"]]) for record in records]
            score = np.array([record[name][label] for record in records]) * counted
            found[label] = Archive(truth.astype(float), content.astype(float), score, counted.astype(float), given, document)
    return found


def judge_real(file: str, folder: str | None, runs: int) -> int:
    """Print how often audits of real labelled rows cover their shares, and an uncorrected interval; return how many fail."""
    failed = 0
    print(f"{'label':<20}{'share':>8}{'counted':>9}{'audited':>9}{'covers':>8}{'width':>8}{'by ppi++':>10}{'uncorrected':>13}")
    for label, archive in real_archives(file, folder).items():
        counted = float(archive.given.sum() / archive.counted.sum())
        naive = 1.96 * (counted * (1 - counted) / archive.counted.sum()) ** 0.5
        for audited in (100, 300):
            rng = np.random.default_rng(0)
            case = Case(label, archive.share, audited=min(audited, len(archive.truth) // 2))
            found = [interval(case, archive, rng) for _ in range(runs)]
            covered = sum(low <= archive.share <= high for low, high, _ in found) / runs
            width = sum(high - low for low, high, _ in found) / runs
            normal = sum(method == "ppi++" for *_, method in found) / runs
            plain = "covers" if abs(counted - archive.share) <= naive else "misses"
            failed += covered < INSIDE[0]
            print(
                f"{label:<20}{archive.share:>8.3f}{counted:>9.3f}{case.audited:>9}{covered:>8.3f}{width:>8.3f}{normal:>10.0%}"
                f"{plain:>13}{'  OUT' if covered < INSIDE[0] else ''}", flush=True,
            )  # fmt: skip
    return failed


def main() -> int:
    """Run the cases; return 1 where one falls out of its range."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--only", default="", help="cases whose name begins with this")
    parser.add_argument("--real", metavar="LABELLED", help="draw audits from labelled rows instead")
    parser.add_argument("--model", help="the model judged on --real")
    options = parser.parse_args()
    if options.real:
        return 1 if judge_real(options.real, options.model, options.runs) else 0
    failed = 0
    print(f"{'case':<36}{'covers':>8}{'width':>8}{'audit alone':>13}{'by ppi++':>10}")
    for case in cases():
        if case.name.startswith(options.only):
            covered, width, plain, normal = coverage(case, options.runs)
            slack = 2.5 * (0.95 * 0.05 / options.runs) ** 0.5 if options.runs < 2000 else 0.0
            bad = covered < INSIDE[0] - slack or (case.inside and covered > INSIDE[1] + slack)
            failed += bad
            print(f"{case.name:<36}{covered:>8.3f}{width:>8.3f}{plain:>13.3f}{normal:>10.0%}{'  OUT' if bad else ''}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
