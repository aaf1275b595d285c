"""Stance toward targets that no training text was about, and what swapping the target in a text does.

    python tests/benchmarks/zero_shot.py [--with public.jsonl]

Zero-shot: the stance head is trained on the corpus' paragraphs about the default target and tested on those about other
targets, then the reverse; beside it the same training without masking: no actor is known, words and subwords are all there is.
Swap: Assad for Zelensky, with all their aliases, in every paragraph of the corpus that names the Assad government by such an
alias and no other actor; the stance toward the one must become the stance toward the other.
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from parastance.predict import load
from parastance.predict.model import Model
from parastance.predict.targets import TARGET, Registry, find_mentions, read_registry
from parastance.train.config import Config
from parastance.train.data import LabelledRow, corpus_files, read_labelled
from parastance.train.evaluate import evaluate
from parastance.train.fit import fit

HERE, THERE = "assad_government", "ukrainian_government"
SWAPS = (
    ("President Bashar al-Assad", "President Volodymyr Zelensky"), ("Bashar al-Assad", "Volodymyr Zelensky"),
    ("Bashar Assad", "Volodymyr Zelenskyy"), ("President Assad", "President Zelensky"), ("al-Assad", "Zelenskyy"),
    ("Assad", "Zelensky"), ("Damascus", "Kyiv"), ("Syrian government", "Ukrainian government"), ("Syrian army", "Ukrainian army"),
    ("Syrian forces", "Ukrainian forces"), ("Syrian troops", "Ukrainian troops"), ("Syrian military", "Ukrainian military"),
    ("Syrian president", "Ukrainian president"), ("Syrian authorities", "Ukrainian authorities"),
)  # fmt: skip
OTHER = {**dict(SWAPS), **{there: here for here, there in SWAPS}}
EITHER = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, OTHER), key=len, reverse=True)) + r")\b")


def swap(text: str) -> str:
    """Return the text with the aliases of the two targets exchanged."""
    return EITHER.sub(lambda match: OTHER[match.group()], text)


def swappable(rows: Sequence[LabelledRow], registry: Registry) -> list[str]:
    """Return the texts that name the first target, by aliases that have a counterpart, and no other actor."""
    found = []
    for row in rows:
        mentions = find_mentions(row.text, HERE, registry)
        spans = [match.span() for match in EITHER.finditer(row.text)]
        named = [any(a <= mention.start and mention.end - b <= 2 for a, b in spans) for mention in mentions]  # 2: a possessive
        if mentions and all(named) and all(mention.role == TARGET for mention in mentions):
            found.append(row.text)
    return found


def agreement(model: Model, texts: Sequence[str]) -> float:
    """Return the share of texts whose stance toward the first target is that of the swapped text toward the second."""
    before, after = model.label(texts, HERE), model.label([swap(text) for text in texts], THERE)
    return sum(a["stance"] == b["stance"] for a, b in zip(before, after, strict=True)) / len(texts)


def zero_shot(train: Sequence[LabelledRow], test: Sequence[LabelledRow], masked: bool) -> dict[str, Any]:
    """Return the stance scores on some rows of a model trained on the stances of others."""
    config = Config(notions=False, folds=3, actors=masked)
    if not masked:
        config = replace(config, heads={"stance": {"blocks": ("masked", "subwords")}})
    taught = [replace(row, topics=None, kind=None) for row in train]
    scores: dict[str, Any] = evaluate(Model.from_artifact(fit(taught, config).artifact, "zero-shot"), test)["stance"]
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description="Stance toward unseen targets; swapping the target in a text.")
    parser.add_argument("--with", dest="more", action="append", default=[], help="labelled rows beside the written corpus")
    args = parser.parse_args()
    registry = read_registry()
    rows = [row for row in read_labelled(corpus_files(), args.more) if row.stance and row.kind != "boilerplate"]
    home = [row for row in rows if row.target in (None, registry.default)]
    away = [row for row in rows if row.target not in (None, registry.default)]
    for name, train, test in (("default target to others", home, away), ("others to the default target", away, home)):
        for masked in (True, False):
            scores = zero_shot(train, test, masked)
            how = "masked" if masked else "not masked"
            print(f"{name}, {how}: {len(train):,} rows to {len(test):,}: macro-F1 {scores['macro_f1']:.3f}", flush=True)
    texts = swappable(home, registry)
    print(f"swap: {len(texts)} paragraphs, agreement {agreement(load(), texts):.3f}")


if __name__ == "__main__":
    main()
