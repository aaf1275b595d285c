"""NewsMTSC (Hamborg and Donnay 2021, EACL): sentiment toward a target in a sentence of political news.

    python tests/benchmarks/newsmtsc.py FOLDER [--ideas]

FOLDER holds train.jsonl and dev_mt.jsonl as labelled rows with `target`, `target_mentions` and `stance`. Prints macro-F1 held out
inside the training set, by which settings are chosen, and on dev_mt. `--ideas` prints the same for smaller sets of blocks.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from parastance.predict.model import Model
from parastance.train.config import Config
from parastance.train.data import LabelledRow, read_labelled
from parastance.train.evaluate import evaluate
from parastance.train.fit import fit

IDEAS = (
    ("words, target masked", ("masked",)),
    ("and windows around it", ("masked", "relations")),
    ("and subwords", ("masked", "relations", "subwords")),
    ("and other names as one token", ("masked", "relations", "frames", "subwords")),
    ("and what the target is called", ("masked", "relations", "frames", "names", "subwords")),
    ("and its clause, no other window", ("masked", "frames", "names", "clauses", "subwords")),
)


def judge(name: str, rows: Sequence[LabelledRow], test: Sequence[LabelledRow], config: Config) -> None:
    """Print the scores of one training."""
    start = time.perf_counter()
    fitted = fit(rows, config)
    held_out = fitted.heads["stance"].scores["macro_f1"]
    scores = evaluate(Model.from_artifact(fitted.artifact, "newsmtsc"), test)["stance"]
    figures = f"held out {held_out:.3f}  dev_mt {scores['macro_f1']:.3f}  accuracy {scores['accuracy']:.3f}"
    print(f"{name:<32} {figures}  {time.perf_counter() - start:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Stance toward targets in sentences of political news.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ideas", action="store_true", help="print what each block brings, C being 1")
    args = parser.parse_args()
    rows, test = (read_labelled([str(args.folder / name)]) for name in ("train.jsonl", "dev_mt.jsonl"))
    if args.ideas:
        for name, blocks in IDEAS:
            judge(name, rows, test, Config(notions=False, heads={"stance": {"blocks": blocks, "C": 1.0, "one_vs_rest": True}}))
    judge("searched", rows, test, Config(search=True, notions=False))


if __name__ == "__main__":
    main()
