"""One training from files to a folder, with a progress bar."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from parastance.predict.names import shown
from parastance.train.calibrate import FEWEST
from parastance.train.certify import shortfall
from parastance.train.compare import with_and_without
from parastance.train.config import Config
from parastance.train.data import corpus_files, read_labelled
from parastance.train.exchange import ignore, tell
from parastance.train.fit import Fitted, fit
from parastance.train.heads import FittedHead
from parastance.train.save import save


def train(data: Sequence[str], more: Sequence[str], folder: Path, config: Config, quiet: bool = False) -> str:
    """Train on files (none: the shipped corpus) and write the model folder; return a summary for people.

    Raises DataError for a broken row, before anything is written.
    """
    rows = read_labelled(data or corpus_files(), more, ignore if quiet else tell)
    with fit_bar("cross-validating" if config.held is None else "fitting", quiet) as tick:
        fitted = fit(rows, config, tick)
    compared = with_and_without(fitted, config) if config.held is None else {}
    files = [Path(name).name for name in (*(data or ["seeds/corpus"]), *more)]
    save(fitted, config, folder, {"on_real_paragraphs": compared} if compared else None, files)
    return describe(fitted, folder, config)


@contextmanager
def fit_bar(what: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show the fits of a training as a bar on a terminal; yield the function to call after each with (done, total)."""
    bar = None
    if not quiet and sys.stderr.isatty():
        from tqdm import tqdm

        bar = tqdm(desc=what, file=sys.stderr, leave=False, unit=" fits")

    def tick(done: int, total: int) -> None:
        if bar is not None:
            bar.total = total
            bar.update(done - bar.n)

    try:
        yield tick
    finally:
        if bar is not None:
            bar.close()


MOST_SHOWN = 12  # labels named in a summary
FAST = (
    "a fast training: one fold of {folds} was held out instead of each in turn, one strength of regularisation was tried, and "
    "what real paragraphs bring was not measured; calibration, cut-offs and figures rest on that fold"
)


def describe(fitted: Fitted, folder: Path, config: Config) -> str:
    """Return the summary of a training: one line a head, labels of which nothing is certified, and what a fast one left out."""
    how = "cross-validated" if config.held is None else "on the fold held out"
    if not fitted.folds:
        how = "all rows are of one group, so nothing was held out: figures of the rows trained on, nothing certified"
    lines = [f"parastance: model of {len(fitted.rows):,} paragraphs in {folder}; {how}:"]
    for name, head in fitted.heads.items():
        of_labels = list(head.scores["per_label"].items())
        labels = ", ".join(f"{shown(label)} {s['f1']:.3f}" for label, s in of_labels[:MOST_SHOWN])
        more = f" and {len(of_labels) - MOST_SHOWN} more in card.md" if len(of_labels) > MOST_SHOWN else ""
        micro = f", micro-F1 {head.scores['micro_f1']:.3f}" if "micro_f1" in head.scores else ""
        lines.append(f"  {name}: macro-F1 {head.scores['macro_f1']:.3f}{micro} ({labels}{more})")
        lines += _uncertified(head)
    if config.held is not None and fitted.folds:
        lines.append(f"parastance: {FAST.format(folds=fitted.folds)}")
    return "\n".join(lines + [f"parastance: warning: {line}" for line in warnings(fitted)])


def _uncertified(head: FittedHead) -> list[str]:
    """Return a line a label of which nothing is certified, or one line for many."""
    found = [
        f"  {shown(label)}: {shortfall(found.to_json())}"
        for label, found in zip(head.head.labels, head.certificates, strict=True)
        if np.isnan(found.level)
    ]
    if len(found) <= MOST_SHOWN:
        return found
    count = f"{len(found)} of {len(head.head.labels)} labels"
    return [f"  no level is certified at precision {head.head.wanted:.2f} for {count}: see card.md"]


def warnings(fitted: Fitted) -> list[str]:
    """Return what a user should know of labels with too few rows to be learnt."""
    found = []
    for name, head in fitted.heads.items():
        counts = dict(zip(head.head.labels, head.truth.sum(axis=0).tolist(), strict=True))
        rare = [f"{shown(label)} ({count})" for label, count in counts.items() if count < FEWEST]
        if rare:
            more = f" and {len(rare) - MOST_SHOWN} more" if len(rare) > MOST_SHOWN else ""
            found.append(
                f"{name} with fewer than {FEWEST} rows are hardly learnt, don't rely on them: {', '.join(rare[:MOST_SHOWN])}{more}"
            )
    return found
