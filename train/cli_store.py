"""`parastance promote`, `rollback` and `models`: the commands of the store."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from parastance.predict.cli import OK, Command, declare_store, share

if TYPE_CHECKING:
    from parastance.train.examples import Example
    from parastance.train.gate import Check
    from parastance.train.promote import Verdict

REFUSED = FAULT = 1


def declare_promote(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `promote`."""
    parser.add_argument(
        "candidate", nargs="?", metavar="CANDIDATE", help="the model folder to put in use (default: STORE/candidate)"
    )
    parser.add_argument(
        "--on", action="append", default=[], metavar="FILE",
        help="labelled rows to judge both models by (default: the rows that both were trained on, held out)",
    )  # fmt: skip
    parser.add_argument("--margin", type=share, default=0.02, metavar="F1", help="F1 that a label may lose (default: 0.02)")
    parser.add_argument("--floor", type=share, metavar="F1", help="F1 that every label must reach")
    parser.add_argument("--new-scheme", action="store_true", help="other labels than those of the model in use are meant")
    parser.add_argument("--force", action="store_true", help="put it in use whatever the gate says; the history keeps why not")
    parser.add_argument("--note", default="", metavar="TEXT", help="a remark for the history")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    declare_store(parser)


def run_promote(arguments: argparse.Namespace) -> int:
    """Run `promote`; return its exit status: 1 where the candidate was refused."""
    import json

    from parastance.predict.store import CANDIDATE, find_store
    from parastance.train.gate import Limits
    from parastance.train.promote import promote

    limits = Limits(margin=arguments.margin, floor=arguments.floor, new_scheme=arguments.new_scheme)
    store = find_store(arguments.store)

    def waiting() -> None:
        print(f"parastance: another command is writing {store}; waiting for it", file=sys.stderr)

    folder = Path(arguments.candidate) if arguments.candidate else store / CANDIDATE
    verdict = promote(folder, store, arguments.on, limits, arguments.force, arguments.note, waiting)
    print(json.dumps(verdict.to_json()) if arguments.json else describe(verdict))
    return OK if verdict.promoted or verdict.same else REFUSED


def describe(verdict: "Verdict") -> str:
    """Return a verdict as a text for people: the figures, what got worse with examples, and what is in use now."""
    if verdict.same:
        return f"{verdict.candidate} is the model in use already"
    lines = [f"candidate {verdict.candidate} against {verdict.in_use}, the model in use"]
    lines += [f"  {line}" for line in verdict.judged]
    lines += ["", f"  {'':<38}{'in use':>10}{'candidate':>11}   difference, 90% interval"] if verdict.checks else []
    lines += [_line(check) for check in verdict.checks if check.candidate is not None and check.what != "floor"]
    if verdict.reasons:
        lines += ["", "what speaks against it:", *(f"  - {reason}" for reason in verdict.reasons)]
    if verdict.examples:
        lines += ["", "for example (in brackets the probability of the label in question):"]
        titles = [f"{example.head} {example.label or '(hard case)'}" for example in verdict.examples]
        for at, example in enumerate(verdict.examples):
            lines += [f"  {titles[at]}"] if titles[at] not in titles[:at] else []
            lines += _example(example)
    elif any(check.reason and check.what == "F1" for check in verdict.checks):
        lines += ["", "the texts of these rows are not at hand; name their file to see examples: --on FILE"]
    how = "put in use by force" if verdict.forced else "put in use"
    end = f"{verdict.candidate} is {how}" if verdict.promoted else f"refused: {verdict.in_use} stays in use"
    return "\n".join([*lines, "", end])


def _line(check: "Check") -> str:
    name = " ".join(part for part in (check.what, check.head, check.label) if part)
    form = {"speed": "{:,.0f}", "size": "{:,.0f}", "labels": "{:.0f}", "disputed labels": "{:.1%}"}.get(check.what, "{:.3f}")
    old, new = ("" if value is None else form.format(value) for value in (check.in_use, check.candidate))
    found = f"   {check.interval[0]:+.3f} to {check.interval[1]:+.3f}" if check.interval else ""
    return f"  {name:<38}{old:>10}{new:>11}{found}{'   FAILS' if check.reason else ''}"


def _example(example: "Example") -> list[str]:
    text = " ".join(example.text.split())
    clipped = text if len(text) <= 240 else text[:239] + "…"
    said = [f"{', '.join(said.labels) or 'none'}{_sure(said.probability)}" for said in (example.in_use, example.candidate)]
    return [f'    "{clipped}"', f"      true: {', '.join(example.truth) or 'none'} · in use: {said[0]} · candidate: {said[1]}"]


def _sure(probability: float | None) -> str:
    return "" if probability is None else f" ({probability:.2f})"


def declare_rollback(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rollback`."""
    parser.add_argument("--to", metavar="MODEL", help="a model that was in use once, as `models` names it")
    parser.add_argument("--note", default="", metavar="TEXT", help="a remark for the history")
    declare_store(parser)


def run_rollback(arguments: argparse.Namespace) -> int:
    """Run `rollback`; return its exit status."""
    from parastance.predict.store import find_store
    from parastance.train.store import rollback

    entry = rollback(find_store(arguments.store), arguments.to, arguments.note)
    print(f"{entry['model']} is in use again, instead of {entry['before']}")
    return OK


def declare_models(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `models`."""
    parser.add_argument("--history", action="store_true", help="every switch and refusal instead, oldest first")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    declare_store(parser)


def run_models(arguments: argparse.Namespace) -> int:
    """Run `models`; return its exit status: 1 where it cannot be told which model is in use."""
    import json

    from parastance.predict.errors import ModelError
    from parastance.predict.store import find_store
    from parastance.train.models import describe, describe_history, models
    from parastance.train.store import history

    store = find_store(arguments.store)
    if arguments.history:
        entries = history(store)
        print(json.dumps(entries) if arguments.json else describe_history(entries) or f"{store}: nothing was promoted yet")
        return OK
    faults: list[ModelError] = []
    listed = models(store, faults.append)
    print(json.dumps([one.to_json() for one in listed]) if arguments.json else describe(listed))
    for fault in faults:
        print(f"parastance: {fault}", file=sys.stderr)
    return FAULT if faults else OK


STORE_COMMANDS = (
    Command("promote", "put a candidate in use, if it is not worse than the model in use", declare_promote, run_promote),
    Command("rollback", "put the model before the one in use back in use", declare_rollback, run_rollback),
    Command("models", "list the models, and which is in use", declare_models, run_models),
)
