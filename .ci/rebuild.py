"""Holds the shipped model against its sources: two rebuilds are the same bytes, and the committed one agrees with them."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from parastance.predict.artifact import DEFAULT, FILES, read_artifact
from parastance.predict.model import load
from parastance.train.data import corpus_files, read_labelled
from parastance.train.held_out import FILE as HELD_OUT

CLOSE = 1e-5  # weights: processors may differ in the last bits


def differences(a: Any, b: Any, place: str = "") -> list[str]:
    """Return where two artifacts differ."""
    if isinstance(a, dict) and isinstance(b, dict) and list(a) == list(b):
        return [found for key in a for found in differences(a[key], b[key], f"{place}/{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [found for at, pair in enumerate(zip(a, b, strict=True)) for found in differences(*pair, f"{place}/{at}")]
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape:
            return [f"{place}: {a.shape} and {b.shape}"]
        if a.dtype == np.uint8:
            return [] if np.array_equal(a, b) else [f"{place}: other terms"]
        gap = float(np.nanmax(np.abs(a.astype(float) - b.astype(float)), initial=0.0))
        return [] if gap <= CLOSE and np.array_equal(np.isnan(a), np.isnan(b)) else [f"{place}: differs by {gap}"]
    return [] if type(a) is type(b) and a == b else [f"{place}: {a!r} and {b!r}"[:200]]


def main(first: str, second: str) -> int:
    """Compare two rebuilds with each other and with the committed model; return the exit status."""
    problems = [
        f"{name}: two rebuilds differ"
        for name in (FILES.model, FILES.manifest, FILES.metrics, FILES.card, HELD_OUT)
        if (Path(first) / name).read_bytes() != (Path(second) / name).read_bytes()
    ]
    problems += differences(read_artifact(Path(first))[0], read_artifact(DEFAULT)[0])
    texts = [row.text for row in read_labelled(corpus_files())[::5]]
    fields = ("kind", "topics", "stance")
    labels = [[[record[name] for name in fields] for record in load(folder).label(texts)] for folder in (first, DEFAULT)]
    unlike = sum(a != b for a, b in zip(*labels, strict=True))
    problems += [f"{unlike} of {len(texts)} paragraphs get other labels"] if unlike else []
    print("\n".join(problems) or f"rebuilt twice, the same bytes; {len(texts):,} paragraphs labelled as by the committed model")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
