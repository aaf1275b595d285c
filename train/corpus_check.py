"""Checks the written corpus: schema, labels, duplicates, borrowed text, and how far it reads from real news.

`python -m parastance.train.corpus_check [REAL ...]` prints the report and exits 1 where a rule is broken. REAL are labelled
files of real paragraphs, or folders and files of real text; none of their sentences may stand in the written corpus.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parastance.predict.targets import read_registry
from parastance.predict.tokens import WORD, tokenize
from parastance.train.data import LabelledRow, corpus_files, read_labelled
from parastance.train.folds import near_duplicates

TOPICS = ("casualties", "diplomacy", "military_support")
STANCES = ("neutral", "opposed", "supportive")
REQUIRED = ("outlet", "conflict", "form", "first", "second")
RUN = 8  # words in a row that no written paragraph may share with a real text
LEAST_A_SIDE = 30  # paragraphs on either side of a codebook line


def broken_rows(rows: Sequence[LabelledRow]) -> list[str]:
    """Return what is wrong with single rows: missing fields, unknown labels, furniture with a topic or a stance."""
    registry = read_registry()
    found = []
    for row in rows:
        problems = [f"no {name}" for name in REQUIRED if not row.fields.get(name)]
        if row.kind is None or row.topics is None or row.stance is None:
            problems.append("a label is missing")
        problems += [f"unknown topic {name}" for name in row.topics or () if name not in TOPICS]
        if row.stance not in STANCES:
            problems.append(f"unknown stance {row.stance}")
        if row.kind == "boilerplate" and (row.topics or row.stance != "neutral"):
            problems.append("boilerplate with a topic or a stance")
        if row.target not in registry:
            problems.append(f"unknown target {row.target}")
        found += [f"{row.id}: {problem}" for problem in problems]
    return found


def duplicates(rows: Sequence[LabelledRow]) -> list[str]:
    """Return the pairs of equal or nearly equal texts; equal lines of furniture are furniture's nature and pass."""
    pairs = near_duplicates([row.text for row in rows])
    return [f"{rows[a].id} ~ {rows[b].id}: near-duplicates" for a, b in pairs if rows[a].kind != "boilerplate"]


def runs(text: str, length: int = RUN) -> Iterable[str]:
    """Yield the runs of `length` words in a text."""
    words = WORD.findall(text.lower().replace("'", "").replace("’", ""))
    return (" ".join(words[at : at + length]) for at in range(len(words) - length + 1))


def borrowed(rows: Sequence[LabelledRow], real: Iterable[str]) -> list[str]:
    """Return the written rows that share a run of RUN words with a real text."""
    seen: dict[int, str] = {}
    for row in rows:
        if row.kind != "boilerplate":
            seen.update((hash(run), row.id) for run in runs(row.text))
    shared = {(seen[hash(run)], run) for text in real for run in runs(text) if hash(run) in seen}
    return [f"{name}: shares with a real text: {run}" for name, run in sorted(shared)]


def distance(written: Sequence[str], real: Sequence[str]) -> list[str]:
    """Return lines that set the two sets side by side: lengths, variety, openings, commonest 4-grams, and a classifier."""
    lines = []
    for name, texts in (("written", written), ("real", real)):
        tokens = [tokenize(text) for text in texts]
        lengths = np.percentile([len(words) for words in tokens], [5, 25, 50, 75, 95]).astype(int).tolist()
        grams = Counter(run for words in tokens for run in zip(*(words[at:] for at in range(4)), strict=False))
        openings = Counter(" ".join(words[:2]) for words in tokens)
        pool = [word for words in tokens for word in words][:100_000]
        variety = len(set(zip(pool, pool[1:], strict=False))) / max(1, len(pool))
        lines.append(f"{name}: {len(texts):,} texts, words 5/25/50/75/95%: {lengths}, distinct bigrams a word {variety:.3f}")
        lines.append("  openings: " + ", ".join(f"{text} {count}" for text, count in openings.most_common(8)))
        lines.append("  4-grams: " + ", ".join(f"{' '.join(gram)} {count}" for gram, count in grams.most_common(8)))
    return lines + _told_apart(written, real)


def _told_apart(written: Sequence[str], real: Sequence[str]) -> list[str]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict

    size = min(len(written), len(real), 3000)
    random = np.random.default_rng(0)
    chosen = [texts[at] for texts in (written, real) for at in random.choice(len(texts), size, replace=False)]
    truth = np.repeat([0, 1], size)
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=5, ngram_range=(1, 2))
    matrix = vectorizer.fit_transform(chosen)
    model = LogisticRegression(C=3, max_iter=300)
    auc = roc_auc_score(truth, cross_val_predict(model, matrix, truth, cv=5, method="decision_function"))
    weights = model.fit(matrix, truth).coef_[0]
    terms, order = vectorizer.get_feature_names_out(), np.argsort(weights)
    return [
        f"told apart by words 1-2 with AUC {auc:.3f} (0.5: not at all)",
        "  most written: " + ", ".join(terms[order[:15]]),
        "  most real: " + ", ".join(terms[order[-15:]]),
    ]


def counts(rows: Sequence[LabelledRow]) -> list[str]:
    """Return what the corpus holds: labels, targets, and the codebook's lines with both their sides."""
    stance = Counter(row.stance for row in rows)
    topics = Counter(name for row in rows for name in row.topics or ())
    kinds = Counter(row.kind for row in rows)
    targets = Counter(row.target for row in rows)
    lines = [
        f"{len(rows):,} written paragraphs, {len({row.group for row in rows}):,} groups, "
        f"{len({row.fields.get('outlet') for row in rows}):,} outlets",
        "stance: " + _listed(stance), "topics: " + _listed(topics), "kind: " + _listed(kinds),
        "targets: " + _listed(targets),
    ]  # fmt: skip
    sides: dict[str, list[int]] = {}
    for row in rows:
        for rule in row.fields.get("rules") or ():
            sides.setdefault(rule, [0, 0])[0 if _holds(rule, row) else 1] += 1
    lines.append("codebook lines, holds/fails: " + ", ".join(f"{rule} {a}/{b}" for rule, (a, b) in sorted(sides.items())))
    thin = sorted(rule for rule, pair in sides.items() if min(pair) < LEAST_A_SIDE)
    lines.append(f"lines with fewer than {LEAST_A_SIDE} on a side: {', '.join(thin) or 'none'}")
    return lines


def _listed(counter: Counter[Any]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common())


def _holds(rule: str, row: LabelledRow) -> bool:
    letters = {"m": "military_support", "d": "diplomacy", "c": "casualties"}
    if rule[0] == "k":
        return row.kind == "content"
    return row.stance != "neutral" if rule[0] == "s" else letters[rule[0]] in (row.topics or ())


def kappa(first: Sequence[Any], second: Sequence[Any]) -> float:
    """Return Cohen's kappa of two equally long lists of labels (Cohen 1960); 1.0 where both use one label only."""
    n = len(first)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    left, right = Counter(first), Counter(second)
    expected = sum(left[label] * right[label] for label in left) / n**2
    return (observed - expected) / (1 - expected) if expected < 1 else 1.0


def agreement(readings: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Return kappa per label of pairs of short labels such as "md s": topic letters, - or b, and the stance's letter."""
    pairs = [(a.split(), b.split()) for a, b in readings]
    found = {
        name: kappa([letter in a[0] for a, _ in pairs], [letter in b[0] for _, b in pairs])
        for letter, name in (("m", "military_support"), ("d", "diplomacy"), ("c", "casualties"), ("b", "boilerplate"))
    }
    for letter, name in (("s", "supportive"), ("o", "opposed"), ("n", "neutral")):
        found[name] = kappa([a[1] == letter for a, _ in pairs], [b[1] == letter for _, b in pairs])
    return found


def real_texts(places: Sequence[str]) -> list[str]:
    """Return the real texts in files and folders: `text` fields of .jsonl files, other files as they are."""
    texts: list[str] = []
    for place in map(Path, places):
        files = sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else [place]
        for file in files:
            if file.suffix == ".jsonl":
                texts += [row.text for row in read_labelled([str(file)])]
            elif file.suffix in (".txt", ".csv", ".json"):
                texts.append(file.read_text(encoding="utf-8", errors="replace"))
    return texts


def main(arguments: Sequence[str]) -> int:
    """Print the report; return 1 where a rule is broken."""
    rows = read_labelled(corpus_files())
    print("\n".join(counts(rows)))
    pairs = [(row.fields["first"], row.fields["second"]) for row in rows if row.fields.get("second")]
    if pairs:
        print(f"kappa of {len(pairs):,} double readings: " + ", ".join(f"{k} {v:.3f}" for k, v in agreement(pairs).items()))
    problems = broken_rows(rows) + duplicates(rows)
    real = real_texts(arguments)
    if real:
        problems += borrowed(rows, real)
        labelled = [text for text in real if len(text) < 2000]
        print("\n".join(distance([row.text for row in rows if row.kind == "content"], labelled or real)))
    print("\n".join(problems[:50]) or "no rule is broken")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
