"""SemEval-2016 Task 6A (Mohammad et al. 2016): stance of tweets toward five targets, mostly not named in them.

    python tests/benchmarks/semeval.py TRAIN TEST [--baseline]

TRAIN and TEST are the published tables (tab-separated, `ID Target Tweet Stance ...`, Windows-1252), or labelled rows in JSON
Lines. Prints the official score, the mean of the F1 of FAVOR and AGAINST over all targets pooled, and macro-F1. `--baseline`
prints those of the organisers' baseline too: per target a linear SVM on word 1-3-grams and character 2-5-grams (68.98 on the
published test set).
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import cross_val_score
from sklearn.svm import LinearSVC

from parastance.predict.model import Model, Unit, chunks
from parastance.train.config import Config
from parastance.train.data import LabelledRow, labelled_row, read_labelled
from parastance.train.fit import fit

STRENGTHS = (0.0003, 0.001, 0.01, 0.1, 1.0)


def read(path: Path) -> list[LabelledRow]:
    """Return the rows of a published table or of a file of labelled rows."""
    if path.suffix == ".jsonl":
        return read_labelled([str(path)])
    with path.open(encoding="cp1252", errors="replace", newline="") as stream:
        table = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        labelled_row({"id": row["ID"], "text": row["Tweet"], "target": row["Target"], "stance": row["Stance"].strip()}, row["ID"])
        for row in table
    ]


def ours(rows: Sequence[LabelledRow], test: Sequence[LabelledRow]) -> list[str]:
    """Return the labels that parastance gives."""
    fitted = fit(rows, Config(search=True, notions=False))
    print(f"chosen: {fitted.heads['stance'].recipe}", flush=True)
    model = Model.from_artifact(fitted.artifact, "semeval")
    labels = model.heads["stance"].labels
    given = [model.decide(chunk).given["stance"] for chunk in chunks([Unit(row.text, row.target) for row in test])]
    return [labels[at] for at in np.concatenate(given).argmax(axis=1)]


def baseline(rows: Sequence[LabelledRow], test: Sequence[LabelledRow]) -> list[str]:
    """Return the labels that one SVM a target gives, its C chosen by five folds."""
    said = {}
    for target in sorted({str(row.target) for row in rows}):
        taught, asked = ([row for row in part if row.target == target] for part in (rows, test))
        words = CountVectorizer(ngram_range=(1, 3), binary=True, token_pattern=r"\S+")
        grams = CountVectorizer(analyzer="char", ngram_range=(2, 5), binary=True)
        x = sp.hstack([block.fit_transform(row.text for row in taught) for block in (words, grams)]).tocsr()
        y = np.array([row.stance for row in taught])
        found = {c: cross_val_score(LinearSVC(C=c, random_state=0), x, y, cv=5, scoring="f1_macro").mean() for c in STRENGTHS}
        machine = LinearSVC(C=max(found, key=lambda c: found[c]), random_state=0).fit(x, y)
        if asked:
            given = machine.predict(sp.hstack([block.transform(row.text for row in asked) for block in (words, grams)]).tocsr())
            said.update(zip((row.id for row in asked), given, strict=True))
    return [said[row.id] for row in test]


def main() -> None:
    parser = argparse.ArgumentParser(description="Stance of tweets toward targets that they mostly do not name.")
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--baseline", action="store_true", help="score the organisers' baseline too")
    args = parser.parse_args()
    rows, test = read(args.train), read(args.test)
    truth = [row.stance for row in test]
    for name, way in (("parastance", ours), *([("baseline", baseline)] if args.baseline else [])):
        given = way(rows, test)
        official = f1_score(truth, given, labels=["FAVOR", "AGAINST"], average="macro")
        print(f"{name}: official {100 * official:.2f}, macro-F1 {100 * f1_score(truth, given, average='macro'):.2f}", flush=True)


if __name__ == "__main__":
    main()
