"""The `parastance` command: its subcommands, and those that train and evaluate."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parastance.predict.cli import OK, PREDICT, Command, declare_model, declare_store, number, seed
from parastance.predict.cli import main as run_command
from parastance.train.cli_archive import ARCHIVE_COMMANDS
from parastance.train.cli_labels import LABEL_COMMANDS
from parastance.train.cli_store import STORE_COMMANDS

PRECISION = number(float, lambda value: 0 < value < 1, "a number between 0 and 1, such as 0.9")


def declare_train(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `train`."""
    parser.add_argument("data", nargs="*", metavar="DATA", help="labelled files (default: the shipped corpus)")
    parser.add_argument(
        "--with", dest="more", action="append", default=[], metavar="FILE",
        help="rows to add; they correct earlier rows of the same id, or of the same text where an id is absent",
    )  # fmt: skip
    parser.add_argument("-o", "--output", metavar="DIR", help="the model folder to write (default: STORE/candidate)")
    declare_store(parser)
    parser.add_argument(
        "--notions",
        action=argparse.BooleanOptionalAction,
        help="use the shipped word vectors (default: for the shipped corpus only)",
    )
    parser.add_argument("--precision", type=PRECISION, metavar="P", help="the precision that levels promise (default: 0.90)")
    parser.add_argument(
        "--slices",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="hold out by outlet, conflict, year and set as well, where the data say them (default: yes; doubles the time)",
    )
    parser.add_argument("--config", metavar="FILE.toml", help="settings that override what cross-validation would choose")
    parser.add_argument("--seed", type=seed, help="seed of everything random (default: 0)")
    parser.add_argument(
        "--fast", action="store_true", help="hold out one fold instead of cross-validating; the summary says what that leaves out"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")


def run_train(arguments: argparse.Namespace) -> int:
    """Run `train`; return its exit status."""
    from parastance.predict.store import CANDIDATE, find_store
    from parastance.train.config import SHIPPED_FOLDS, Config, read_config
    from parastance.train.run import train
    from parastance.train.store import refuse_kept

    folder = Path(arguments.output) if arguments.output else find_store(arguments.store) / CANDIDATE
    refuse_kept(folder, own_data=bool(arguments.data))
    notions = not arguments.data if arguments.notions is None else arguments.notions
    own = bool(arguments.data)
    folds = Config.folds if own or arguments.fast else SHIPPED_FOLDS
    config = Config(seed=arguments.seed or 0, folds=folds, search=own, notions=notions, slices=arguments.slices)
    if arguments.config:
        config = read_config(Path(arguments.config), config)
        if arguments.seed is not None:
            config = replace(config, seed=arguments.seed)
    if arguments.fast:
        config = replace(config, held=1, search=False, slices=False, regularisation=config.regularisation[:1])
    if arguments.precision is not None:
        config = replace(config, precision=arguments.precision)
    text = train(arguments.data, arguments.more, folder, config, arguments.quiet)
    if not arguments.quiet:
        print(text, file=sys.stderr)
    return OK


def declare_evaluate(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `evaluate`."""
    parser.add_argument("data", nargs="+", metavar="DATA", help="labelled files")
    declare_model(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 where a promised precision is broken")


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Run `evaluate`; return its exit status."""
    import json

    from parastance.predict.model import load
    from parastance.train.data import read_labelled
    from parastance.train.evaluate import broken, evaluate, report
    from parastance.train.exchange import tell

    model = load(arguments.model, arguments.store)
    scores = evaluate(model, read_labelled(arguments.data, note=tell))
    print(json.dumps(scores) if arguments.json else report(scores))
    return 1 if arguments.exit_code and broken(scores) else OK


def declare_corpora(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `corpora`."""
    parser.add_argument("folder", metavar="DIR", help="the folder that holds the public data sets as published")
    parser.add_argument("-o", "--output", metavar="OUT.jsonl", required=True, help="the labelled paragraphs, rebuilt")


def run_corpora(arguments: argparse.Namespace) -> int:
    """Run `corpora`; return its exit status: 1 where a set or document is missing."""
    from parastance.train.corpora import rebuild

    found, messages = rebuild(Path(arguments.folder), arguments.output)
    for message in messages:
        print(f"parastance: {message}", file=sys.stderr)
    print(f"parastance: {found:,} paragraphs rebuilt in {arguments.output}", file=sys.stderr)
    return 1 if messages else OK


COMMANDS = (
    PREDICT,
    Command("train", "train a model on labelled paragraphs", declare_train, run_train),
    Command("evaluate", "score a model on labelled paragraphs", declare_evaluate, run_evaluate),
    Command("corpora", "rebuild the labelled real paragraphs from the public data sets", declare_corpora, run_corpora),
    *LABEL_COMMANDS,
    *ARCHIVE_COMMANDS,
    *STORE_COMMANDS,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return run_command(COMMANDS, argv)
