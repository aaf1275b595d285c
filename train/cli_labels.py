"""`parastance check` and `parastance queue`: what is wrong with the labels there are, and what to label next."""

import argparse
import sys

from parastance.predict.cli import OK, Command

FOUND = 1  # exit status of `check` where a fault was found; doubts alone leave it at 0


def declare_check(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `check`."""
    parser.add_argument("data", nargs="+", metavar="DATA", help="labelled files, exports of labelling tools included")
    parser.add_argument("-o", "--output", metavar="OUT", help="write all findings to a .jsonl, .csv, .tsv or .parquet file")
    parser.add_argument("-n", dest="count", metavar="N", type=int, default=20, help="findings to show (default: 20)")
    parser.add_argument("--folds", type=int, default=5, help="folds held out in turn to find label errors (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default: 0)")
    parser.add_argument("--quiet", action="store_true", help="no progress, no notes, no summary")


def run_check(arguments: argparse.Namespace) -> int:
    """Run `check`; return its exit status: 1 where a fault was found."""
    from parastance.predict.cli import refuse_overwriting
    from parastance.predict.outputs import LineWriter, OutputFile
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


LABEL_COMMANDS = (
    Command("check", "find faults and likely errors in labelled data", declare_check, run_check),
)
