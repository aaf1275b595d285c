"""`parastance check` and `parastance queue`: what is wrong with the labels there are, and what to label next."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from parastance.predict.cli import OK, Command, count, declare_model, number, refuse_overwriting, seed, share

FOUND = 1  # exit status of `check` where a fault was found; doubts alone leave it at 0
FOLDS = number(int, lambda value: 2 <= value <= 20, "a whole number from 2 to 20")


def declare_check(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `check`."""
    parser.add_argument("data", nargs="+", metavar="DATA", help="labelled files, exports of labelling tools included")
    parser.add_argument("-o", "--output", metavar="OUT", help="write all findings to a .jsonl, .csv, .tsv or .parquet file")
    parser.add_argument("-n", dest="count", metavar="N", type=count, default=20, help="findings to show (default: 20)")
    parser.add_argument("--folds", type=FOLDS, metavar="N", default=5, help="folds held out in turn (default: 5)")
    parser.add_argument("--seed", type=seed, default=0, help="seed of everything random (default: 0)")
    parser.add_argument("--quiet", action="store_true", help="no progress, no notes, no summary")


def run_check(arguments: argparse.Namespace) -> int:
    """Run `check`; return its exit status: 1 where a fault was found."""
    from parastance.predict.output_file import OutputFile
    from parastance.predict.outputs import LineWriter
    from parastance.train.check import check, read_entries
    from parastance.train.config import Config
    from parastance.train.data import labelled_sources
    from parastance.train.exchange import ignore, tell
    from parastance.train.findings import record, summary, table
    from parastance.train.run import fit_bar

    refuse_overwriting(labelled_sources(arguments.data), arguments.output)
    note = ignore if arguments.quiet else tell
    found = read_entries(arguments.data, note)
    with fit_bar("looking for label errors", arguments.quiet) as tick:
        config = Config(seed=arguments.seed, folds=arguments.folds, regularisation=(3.0,))
        findings = check(found, config, tick, note)
    records = [record(rank, finding) for rank, finding in enumerate(findings, 1)]
    if arguments.output:
        with OutputFile(arguments.output) as writer:
            writer.write(records)
    elif sys.stdout.isatty():
        print(table(findings, arguments.count))
    else:
        LineWriter(sys.stdout).write(records)
    if not arguments.quiet:
        files = len({entry.file for entry in found})
        print(summary(findings, len(found), files), file=sys.stderr)
    return FOUND if any(finding.fault for finding in findings) else OK


def declare_queue(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `queue`."""
    parser.add_argument("outputs", nargs="+", metavar="OUT", help="what `parastance predict` wrote: files, folders, globs")
    parser.add_argument("-n", dest="count", metavar="N", type=count, default=200, help="paragraphs to queue (default: 200)")
    parser.add_argument("-o", "--output", metavar="FILE", help="a .jsonl, .csv or .tsv file to fill in, or .json for Label Studio")
    parser.add_argument("--format", choices=("table", "label-studio", "doccano"), help="default: by the ending of FILE")
    declare_model(parser)
    parser.add_argument(
        "--labelled", action="append", default=[], metavar="FILE", help="rows labelled already, to be left out (may be repeated)"
    )
    parser.add_argument(
        "--audit", metavar="SHARE", type=share, default=0.2, help="part of the queue drawn at random (default: 0.2)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="seed of the random part (default: 0)")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")


def _counted(records: Iterable[Any], bar: Any) -> Iterator[Any]:
    with bar:
        for record in records:
            bar.update()
            yield record


def run_queue(arguments: argparse.Namespace) -> int:
    """Run `queue`; return its exit status."""
    from parastance.predict.model import load
    from parastance.predict.outputs import LineWriter
    from parastance.predict.progress import progress_bar
    from parastance.train.data import labelled_sources, read_labelled
    from parastance.train.exchange import ignore, tell
    from parastance.train.queue import Labelled, of_model, survey
    from parastance.train.queue_pick import pick
    from parastance.train.queue_write import format_for, listing, rows_of, summary, write_queue
    from parastance.train.results import read_results, result_sources

    form = format_for(arguments.output, arguments.format)
    refuse_overwriting([*result_sources(arguments.outputs), *labelled_sources(arguments.labelled)], arguments.output)
    model = load(arguments.model, arguments.store)
    done = read_labelled(arguments.labelled, note=ignore if arguments.quiet else tell) if arguments.labelled else []
    labelled = Labelled(done, model.registry.default)
    audit = round(arguments.audit * arguments.count)
    records = of_model(read_results(arguments.outputs), model.name)
    if (bar := progress_bar(arguments.quiet)) is not None:
        records = _counted(records, bar)
    found = survey(records, model.heads, labelled, arguments.count, audit, arguments.seed)
    picks = pick(found, labelled, arguments.count, audit)
    written: list[str] = []
    if arguments.output:
        written = write_queue(picks, model.heads, arguments.output, form)
    elif sys.stdout.isatty():
        print(listing(picks, model.heads))
    else:
        LineWriter(sys.stdout).write(rows_of(picks, model.heads))
    if not arguments.quiet:
        print(summary(found, picks, arguments.count, written), file=sys.stderr)
    return OK


LABEL_COMMANDS = (
    Command("queue", "choose the paragraphs to label next", declare_queue, run_queue),
    Command("check", "find faults and likely errors in labelled data", declare_check, run_check),
)
