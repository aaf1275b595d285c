"""`parastance predict`, and what all subcommands share: exit statuses, errors as one line, Ctrl-C.

A subcommand is a `Command`; `parastance.train.cli` adds its own and is what the installed command runs.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parastance.predict.errors import OutputError, ParastanceError, UsageError

if TYPE_CHECKING:
    from parastance.predict.inputs import Source

OK, SOME_REJECTED, WRONG, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Command:
    """A subcommand: its name, one line of help, a function that declares its arguments, and one that runs it."""

    name: str
    help: str
    declare: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def declare_model(parser: argparse.ArgumentParser) -> None:
    """Declare --model and --store, which together say which model is meant: `load(arguments.model, arguments.store)`."""
    parser.add_argument("--model", metavar="DIR", help="a model folder (default: the model in use)")
    declare_store(parser)


def declare_store(parser: argparse.ArgumentParser) -> None:
    """Declare --store."""
    parser.add_argument(
        "--store", metavar="DIR", help="the folder that says which model is in use (default: $PARASTANCE_STORE, else ./artifacts)"
    )


def declare_predict(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `predict`."""
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="files, folders, globs, or - for standard input")
    parser.add_argument("-o", "--output", metavar="OUT", help="a .jsonl, .csv, .tsv or .parquet file")
    declare_model(parser)
    parser.add_argument("--target", metavar="NAME", help="whom the stance is about: a registry name, or a .toml file")
    parser.add_argument("--unit", choices=("paragraph", "document"), default="paragraph", help="what a row of a table is")
    parser.add_argument("--text-field", metavar="NAME", default="text", help="the column that holds the text")
    parser.add_argument("--id-field", metavar="NAME", default="id", help="the column that holds the id")
    parser.add_argument("--explain", action="store_true", help="add the evidence: spans whose weights add up to the score")
    parser.add_argument("--jobs", metavar="N", type=_count, default=1, help="processes to use")
    parser.add_argument("--keep-text", action="store_true", default=True, help="repeat the text in the records (default)")
    parser.add_argument("--no-text", dest="keep_text", action="store_false", help="leave the text out of the records")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def run_predict(arguments: argparse.Namespace) -> int:
    """Run `predict`; return its exit status."""
    from parastance.predict.batch import Rejects, Wanted, progress_bar, run
    from parastance.predict.inputs import find_sources
    from parastance.predict.model import load
    from parastance.predict.outputs import OutputFile, standard_output
    from parastance.predict.units import Reading

    if not arguments.inputs:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("nothing to label: name a file, a folder, a glob, or - for standard input")
        arguments.inputs = ["-"]
    sources = find_sources(arguments.inputs)
    model = load(arguments.model, arguments.store)
    target = model.target(arguments.target) if arguments.target else None
    reading = Reading(arguments.text_field, arguments.id_field, arguments.unit == "document", target)
    refuse_overwriting(sources, arguments.output)
    guesses = any(source.format != ".parquet" for source in sources)  # Parquet knows its encoding
    table = arguments.output is not None and guesses and not arguments.output.lower().endswith(".jsonl")
    wanted = Wanted(arguments.explain, arguments.keep_text, table)
    rejects = Rejects(arguments.output, sys.stderr)
    output = OutputFile(arguments.output) if arguments.output else nullcontext(standard_output())
    with output as writer:
        bar = progress_bar(arguments.quiet)
        try:
            tally = run(model, sources, reading, wanted, writer, rejects, arguments.jobs, bar)
            writer.close() if not arguments.output else None
        finally:
            rejects.close()
            if bar is not None:
                bar.close()
    if not arguments.quiet:
        print(f"parastance: {tally}", file=sys.stderr)
        if tally.rejected and rejects.path is not None:
            print(f"parastance: rejects with reasons in {rejects.path}", file=sys.stderr)
    return SOME_REJECTED if tally.rejected else OK


def refuse_overwriting(sources: Sequence["Source"], output: str | None) -> None:
    """Raise UsageError where the output or its rejects file is one of the inputs."""
    if output is None:
        return
    for path in (output, f"{output}.rejects.jsonl"):
        if any(os.path.realpath(source.path) == os.path.realpath(path) for source in sources):
            raise UsageError(f"-o {output}: would overwrite {path}, which is an input; name another output")


PREDICT = Command("predict", "label paragraphs", declare_predict, run_predict)


class _Version(argparse.Action):
    """--version, looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: object, **named: object) -> None:
        from importlib.metadata import version

        from parastance.predict.kernel import implementation

        print(f"parastance {version('parastance')} (Python {sys.version.split()[0]}, scoring with {implementation()})")
        parser.exit()


def main(commands: Sequence[Command] = (PREDICT,), argv: Sequence[str] | None = None) -> int:
    """Parse the command line, run its subcommand, return the exit status."""
    parser = argparse.ArgumentParser(
        prog="parastance", description="Labels each paragraph of conflict news with its topics and stance."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parts = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        part = parts.add_parser(command.name, help=command.help, description=command.help)
        command.declare(part)
        part.set_defaults(run=command.run)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ParastanceError as error:
        print(f"parastance: {error}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("parastance: interrupted; nothing half-written was left", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: no complaint at exit
        return OK
    except MemoryError:
        print("parastance: out of memory; try fewer --jobs or smaller inputs", file=sys.stderr)
        return WRONG
    except OSError as error:
        print(f"parastance: {OutputError(str(error))}", file=sys.stderr)
        return WRONG
