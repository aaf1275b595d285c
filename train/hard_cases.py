"""The codebook's hard cases put to two models, and what both cost to run."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from parastance.predict.artifact import FILES
from parastance.predict.metrics import label_scores, matrix
from parastance.predict.model import Unit, chunks
from parastance.predict.targets import CODEBOOK
from parastance.predict.toml_file import read_toml
from parastance.train.data import LabelledRow, corpus_files, labelled_row, read_labelled
from parastance.train.examples import Example, Said, names
from parastance.train.gate import Check, Limits
from parastance.train.held_out import row_key
from parastance.train.pairs import Side, shared

# Floors of macro-F1 on the hard cases: they are the borders, not the field. tests/test_codebook.py holds the shipped model to them.
FLOORS = {"topics": 0.60, "stance": 0.60}
DROP = 0.05  # macro-F1 that may be lost there; training on half of the written corpus loses 0.03 of topics, 0.02 of stance
PARAGRAPHS, ROUNDS = 200, 3
BRIEF, PATIENCE = 0.2, 3.0  # seconds to time the two for at least, and where the candidate seems too slow


def hard_cases(path: Path = CODEBOOK) -> list[LabelledRow]:
    """Return the codebook's hard cases as labelled rows, their rule as the group."""
    cases = read_toml(path)["hard_cases"]
    return [labelled_row({**case, "group": case["rule"]}, f"hard case {at}") for at, case in enumerate(cases, start=1)]


def hard_case_checks(candidate: Side, in_use: Side) -> tuple[list[Check], dict[str, list[Example]]]:
    """Return (a check a head, per head the cases that only the model in use got right).

    A head is judged where both models have its labels of the codebook; a case that one was trained on judges nothing.
    """
    cases = [case for case in hard_cases() if not any(_trained_on(side, case) for side in (candidate, in_use))]
    answers = [side.answers(cases) for side in (candidate, in_use)]
    found: list[Check] = []
    lost: dict[str, list[Example]] = {}
    for head, floor in FLOORS.items():
        rows = [getattr(case, head) for case in cases]
        listed = [row if isinstance(row, tuple) else [row] for row in rows]
        labels = tuple(sorted({label for row in listed for label in row}))
        if not cases or not set(labels) <= set(shared(candidate, in_use).get(head, ())):
            continue
        truth = matrix(labels, listed)
        columns = [[side.labels[head].index(label) for label in labels] for side in (candidate, in_use)]
        given = [answer[head][0][:, at] for answer, at in zip(answers, columns, strict=True)]
        new, old = (float(np.mean([label_scores(t, g)["f1"] for t, g in zip(truth.T, said.T, strict=True)])) for said in given)
        reason = ""
        if new < old - DROP:
            reason = f"{head}: macro-F1 on the codebook's {len(cases)} hard cases fell from {old:.3f} to {new:.3f}"
        elif new < floor and new < old:
            reason = f"{head}: macro-F1 on the codebook's {len(cases)} hard cases is {new:.3f}, below the floor of {floor:.2f}"
        found.append(Check("hard cases", head, in_use=old, candidate=new, reason=reason))
        right = [(said == truth).all(axis=1) for said in given]
        for at in np.flatnonzero(right[1] & ~right[0]).tolist():
            before, after = (Said(names(labels, said[at])) for said in (given[1], given[0]))
            lost.setdefault(head, []).append(Example(head, "", cases[at].text, list(listed[at]), before, after))
    return found, lost


def _trained_on(side: Side, case: LabelledRow) -> bool:
    return side.record is not None and row_key(case.text, case.target, side.model.registry.default) in side.record.keys


def cost_checks(candidate: Side, in_use: Side, limits: Limits) -> Iterator[Check]:
    """Yield checks of speed, in paragraphs a second of processor time, and of size in bytes.

    Speed is the best of interleaved rounds; there are more of them as long as the candidate seems too slow, since what else the
    machine does can only slow it down.
    """
    units = [Unit(row.text) for row in read_labelled(corpus_files()[:2])[:PARAGRAPHS]]
    best, slow, spent, rounds = [np.inf, np.inf], True, 0.0, 0
    while rounds < ROUNDS or spent < (PATIENCE if slow else BRIEF):
        for at, side in enumerate((candidate, in_use)):
            seconds = _seconds(side, units)
            best[at], spent = min(best[at], seconds), spent + seconds
        slow, rounds = best[0] > limits.slower * best[1], rounds + 1
    new, old = (len(units) / seconds for seconds in best)
    reason = f"speed: {new:,.0f} paragraphs a second instead of {old:,.0f}" if slow else ""
    yield Check("speed", in_use=old, candidate=new, reason=reason)
    large, before = ((side.folder / FILES.model).stat().st_size for side in (candidate, in_use))
    heavy = large > max(limits.size, limits.larger * before)
    reason = f"size: {large / 1e6:.1f} MB instead of {before / 1e6:.1f}" if heavy else ""
    yield Check("size", in_use=before, candidate=large, reason=reason)


def _seconds(side: Side, units: Sequence[Unit]) -> float:
    start = time.process_time()
    for chunk in chunks(units):
        side.model.decide(chunk)
    return max(time.process_time() - start, 1e-6)
