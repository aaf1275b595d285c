"""Reuters-21578, the 90 topics of the ModApte split: many labels, most of them with few examples.

    python tests/benchmarks/reuters.py FOLDER

FOLDER is laid out as NLTK's corpus of that name: `training/` and `test/` with one file a document, and `cats.txt` with the topics
of each (`training/9865 corn grain`). Or it holds train.jsonl and test.jsonl, labelled rows. Prints micro and macro-F1 over
the labels of the training set.
"""

import argparse
import time
from pathlib import Path

from parastance.predict.model import Model
from parastance.train.config import Config
from parastance.train.data import LabelledRow, labelled_row, read_labelled
from parastance.train.evaluate import evaluate
from parastance.train.fit import fit


def read(folder: Path, part: str) -> list[LabelledRow]:
    """Return the documents of one part of the split, `training` or `test`."""
    if not (folder / "cats.txt").exists():
        return read_labelled([str(folder / ("train.jsonl" if part == "training" else "test.jsonl"))])
    rows = []
    for line in (folder / "cats.txt").read_text().splitlines():
        name, *topics = line.split()
        if name.startswith(part):
            text = (folder / name).read_text(encoding="latin-1").replace("\x00", " ")
            if any(map(str.isalpha, text)):
                rows.append(labelled_row({"id": name, "text": " ".join(text.split()), "topics": topics}, name))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Ninety topics, most of them rare.")
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    start = time.perf_counter()
    rows, test = (read(args.folder, part) for part in ("training", "test"))
    fitted = fit(rows, Config(search=True, notions=False))
    scores = evaluate(Model.from_artifact(fitted.artifact, "reuters"), test)["topics"]
    head = fitted.heads["topics"]
    print(f"{len(rows):,} documents to {len(test):,}, {len(head.head.labels)} labels; {head.recipe}")
    print(f"micro-F1 {scores['micro_f1']:.3f}, macro-F1 {scores['macro_f1']:.3f}, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
