"""`parastance shares` and `parastance drift`: what is in an archive, and what changed in it."""

import argparse
import sys
from pathlib import Path

from parastance.predict.cli import OK, Command, declare_model, number, seed
from parastance.predict.errors import UsageError

ENDINGS = (".csv", ".json", ".svg")
CONFIDENCE = number(float, lambda value: 0.5 <= value < 1, "a number from 0.5 to below 1")


def declare_records(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that every question to an archive's records shares."""
    parser.add_argument("inputs", nargs="+", metavar="OUT", help="what `parastance predict` wrote: files, folders, globs")
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE", help="only records where this holds")
    parser.add_argument("--cluster", metavar="NAME", help="the column that names a record's document (default: group or doc)")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def declare_shares(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `shares`."""
    declare_records(parser)
    parser.add_argument(
        "--by", action="append", default=[], metavar="NAME", help="a column, or year, month, week or day; may be given again"
    )
    parser.add_argument("--date-field", metavar="NAME", help="the column that holds the date (default: date, published or time)")
    parser.add_argument(
        "--audit", action="append", default=[], metavar="FILE", help="records drawn at random and labelled by people"
    )
    parser.add_argument("--strata", metavar="NAME", help="the column within whose values the audit was drawn")
    parser.add_argument(
        "--drawn", choices=("auto", "paragraph", "document"), default="auto", help="what the audit drew at a time (default: auto)"
    )
    parser.add_argument(
        "--population", choices=("archive", "larger"),
        help="whether the archive is all that is asked about, or a sample (default: a sample without --audit)",
    )  # fmt: skip
    parser.add_argument("--confidence", type=CONFIDENCE, default=0.95, metavar="P", help="of the intervals (default: 0.95)")
    parser.add_argument(
        "-o", "--output", action="append", default=[], metavar="FILE", help="a .csv, .json or .svg file; may be given again"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_shares(arguments: argparse.Namespace) -> int:
    """Run `shares`; return its exit status."""
    import shutil

    from parastance.predict.progress import progress_bar
    from parastance.predict.storage import write_text
    from parastance.train.audit import read_audit
    from parastance.train.chart import chart
    from parastance.train.question import Question, Reader, parse_where
    from parastance.train.share_table import to_csv, to_json, to_text
    from parastance.train.shares import survey

    for name in arguments.output:
        if not name.lower().endswith(ENDINGS):
            raise UsageError(f"-o {name}: the ending must be {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    question = Question(tuple(dict.fromkeys(arguments.by)), arguments.date_field, arguments.cluster, parse_where(arguments.where))
    audit = read_audit(arguments.audit, arguments.strata) if arguments.audit else None
    if audit is None and (arguments.strata or arguments.drawn != "auto"):
        raise UsageError("--strata and --drawn say how an audit was drawn: name it with --audit")
    larger = None if arguments.population is None else arguments.population == "larger"
    bar = progress_bar(arguments.quiet, " records")
    try:
        found = survey(arguments.inputs, Reader(question), audit, larger, arguments.confidence, arguments.drawn, bar)
    finally:
        if bar is not None:
            bar.close()
    makers = {".csv": to_csv, ".json": to_json, ".svg": chart}
    for name in arguments.output:
        write_text(name, makers[Path(name).suffix.lower()](found))
    if arguments.json:
        print(to_json(found), end="")
    elif not arguments.output:
        print(to_text(found, shutil.get_terminal_size((110, 24)).columns), end="")
    if arguments.output and not arguments.quiet:
        from parastance.train.share_table import statement

        for line in statement(found):
            print(f"parastance: {line}", file=sys.stderr)
    return OK


def declare_drift(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `drift`."""
    declare_records(parser)
    parser.add_argument("--since", action="append", required=True, metavar="OLD", help="the earlier output; may be given again")
    parser.add_argument(
        "--by", action="append", default=[], metavar="NAME", help="a column of sources, such as outlet; may be given again"
    )
    declare_model(parser)
    parser.add_argument("--seed", type=seed, default=0, help="seed of the permutations (default: 0)")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 where anything changed beyond chance")
    parser.add_argument("-o", "--output", metavar="FILE.json", help="write the JSON object to a file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_drift(arguments: argparse.Namespace) -> int:
    """Run `drift`; return its exit status."""
    import shutil

    from parastance.predict.progress import progress_bar
    from parastance.predict.storage import write_text
    from parastance.train.drift_report import to_json, to_text
    from parastance.train.question import parse_where
    from parastance.train.runs import Asked, drift

    if arguments.output and not arguments.output.lower().endswith(".json"):
        raise UsageError(f"-o {arguments.output}: the ending must be .json")
    where = parse_where(arguments.where)
    asked = Asked(tuple(dict.fromkeys(arguments.by)), arguments.cluster, where, arguments.model, arguments.store)
    bar = progress_bar(arguments.quiet, " records")
    try:
        found = drift(arguments.since, arguments.inputs, asked, arguments.seed, bar)
    finally:
        if bar is not None:
            bar.close()
    if arguments.output:
        write_text(arguments.output, to_json(found))
    if arguments.json:
        print(to_json(found), end="")
    elif not arguments.output:
        print(to_text(found, min(110, shutil.get_terminal_size((110, 24)).columns)), end="")
    return 1 if arguments.exit_code and found.changed else OK


ARCHIVE_COMMANDS = (
    Command("shares", "the share of each label in an archive, with intervals", declare_shares, run_shares),
    Command("drift", "what changed between two runs of predict, beyond chance", declare_drift, run_drift),
)
