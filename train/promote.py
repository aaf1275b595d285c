"""A promotion: the candidate copied, compared with the model in use, and put in its place or refused with the reasons."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from parastance.predict.artifact import DEFAULT, model_name, read_manifest
from parastance.predict.errors import UsageError
from parastance.predict.store import IN_USE, model_in_use
from parastance.train.data import LabelledRow, read_labelled
from parastance.train.examples import EXAMPLES, Example, worse
from parastance.train.gate import Check, Limits, checks
from parastance.train.hard_cases import cost_checks, hard_case_checks
from parastance.train.pairs import HeadPair, Pairs, Side, common, on_rows, shared
from parastance.train.store import PROMOTE, REFUSE, discard, keep, keep_shipped, log, new_entry, snapshot, switch, trail, writing


@dataclass(frozen=True)
class Given:
    """Labelled rows that are to judge two models, and where they come from; none: the rows that both were trained on."""

    rows: list[LabelledRow]
    where: str


@dataclass(frozen=True)
class Verdict:
    """What came of a promotion. same: the candidate is the model in use already. judged: on which rows, in words."""

    candidate: str
    in_use: str
    promoted: bool
    same: bool = False
    forced: bool = False
    judged: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as a dict of plain values."""
        return {**asdict(self), "checks": [check.to_json() for check in self.checks]}

    def entry(self) -> dict[str, Any]:
        """Return what the history keeps of it: everything but the texts."""
        figures = {f"{check.head} {check.label}": [check.in_use, check.candidate] for check in self.checks if check.what == "F1"}
        return {"before": self.in_use, "forced": self.forced, "judged": self.judged, "reasons": self.reasons, "f1": figures}


def promote(
    folder: Path, store: Path, on: Sequence[str] = (), limits: Limits | None = None, force: bool = False, note: str = "",
    waiting: Callable[[], None] = lambda: None,
) -> Verdict:  # fmt: skip
    """Put a model folder in use if it passes the gate, or by `force`; return the verdict. Both outcomes are logged.

    The store is locked meanwhile; `waiting` is called where another process holds it. What is judged is the very copy that is
    kept. Raises ModelError for a broken folder, UsageError where no row can judge the two; then nothing has changed.
    """
    rows = read_labelled(on) if on else []
    with writing(store, waiting):
        copy = snapshot(store, folder)
        try:
            return _decide(copy, store, Given(rows, ", ".join(on)), limits or Limits(), force, note)
        finally:
            discard(copy)


def _decide(copy: Path, store: Path, on: Given, limits: Limits, force: bool, note: str) -> Verdict:
    candidate = Side.open(copy)
    try:
        in_use = Side.open(model_in_use(store))
        if candidate.manifest["sha256"] == in_use.manifest["sha256"]:
            return Verdict(candidate.name, in_use.name, promoted=False, same=True)
        verdict = judge(candidate, in_use, on, limits)
    except UsageError as error:
        if not force:
            raise UsageError(f"{error}; or --force, which compares nothing") from None
        before = trail(store)[-1:] or [{"model": model_name(DEFAULT, read_manifest(DEFAULT))}]
        verdict = Verdict(candidate.name, before[0]["model"], promoted=False, reasons=[f"not compared: {error}"])
    if verdict.reasons and not force:
        log(store, new_entry(store, REFUSE, copy, **verdict.entry(), note=note))
        return verdict
    verdict = replace(verdict, promoted=True, forced=bool(verdict.reasons))
    if not (store / IN_USE).exists():
        keep_shipped(store)
    entry = new_entry(store, PROMOTE, copy, **verdict.entry(), note=note)
    switch(store, {**entry, "kept": keep(store, copy)})
    return verdict


def judge(candidate: Side, in_use: Side, on: Given, limits: Limits) -> Verdict:
    """Return the verdict on a candidate, with examples for what got worse. Raises UsageError where no row judges the two."""
    several = rows_for(candidate, in_use, on, limits)
    found = checks(candidate, in_use, several, limits)
    hard, lost = hard_case_checks(candidate, in_use)
    found += [*hard, *cost_checks(candidate, in_use, limits)]
    examples = [example for pairs in several for example in worse(pairs, found)]
    examples += [example for check in hard if check.reason for example in lost.get(check.head, [])[:EXAMPLES]]
    judged = [_described(pairs) for pairs in several]
    reasons = [check.reason for check in found if check.reason]
    return Verdict(candidate.name, in_use.name, False, judged=judged, checks=found, reasons=reasons, examples=examples)


def rows_for(candidate: Side, in_use: Side, on: Given, limits: Limits) -> list[Pairs]:
    """Return the pairs that judge two models: on the rows of files, and on common rows for the labels that these leave out.

    Raises UsageError where the two share labels but no row judges them, or where none would be fair.
    """
    if candidate.record is None:
        raise UsageError(f"{candidate.name}: has no record of held-out answers, so no row judges it fairly; train it anew")
    several = [on_rows(candidate, in_use, on.rows, on.where)] if on.rows else []
    left = common(candidate, in_use)
    if several:
        here, rest = split(several[0].heads, left.heads, limits.fewest)
        several[0] = replace(several[0], heads=here)
        left = replace(left, heads=rest)
    several = [pairs for pairs in (*several, left) if any(len(pair.rows) for pair in pairs.heads.values())]
    if several or not shared(candidate, in_use):
        return several
    none = "the two were trained on no row in common"
    why = none if in_use.record is not None else f"the model in use, {in_use.name}, has no record of held-out answers"
    raise UsageError(
        f"{why}: name labelled rows to judge them by, --on FILE (rows that one was trained on are judged held out)"
    )


def split(
    first: dict[str, HeadPair], second: dict[str, HeadPair], fewest: int
) -> tuple[dict[str, HeadPair], dict[str, HeadPair]]:
    """Return the pairs of each with every label in one of them: in the first, unless it has fewer positive rows than `fewest`
    there and more in the second."""
    here, there = {}, {}
    for name in [*first, *(name for name in second if name not in first)]:
        one, two = first.get(name), second.get(name)
        labels = one.labels if one is not None else second[name].labels
        better = [label for label in labels if support(two, label) > support(one, label) and support(one, label) < fewest]
        if one is not None:
            here[name] = one.only(label for label in labels if label not in better)
        if two is not None:
            there[name] = two.only(better)
    return _asked(here), _asked(there)


def _asked(heads: dict[str, HeadPair]) -> dict[str, HeadPair]:
    return {name: pair for name, pair in heads.items() if pair.labels}


def support(pair: HeadPair | None, label: str) -> int:
    """Return how many rows of a pair have a label."""
    return int(pair.truth[:, pair.labels.index(label)].sum()) if pair is not None and label in pair.labels else 0


def _described(pairs: Pairs) -> str:
    heads = ", ".join(pairs.heads)
    out = f"; {pairs.left_out:,} left out, too like rows that one was trained on" if pairs.left_out else ""
    return f"{heads}: {pairs.how}, in {pairs.groups:,} groups{out}"
