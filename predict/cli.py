"""`parastance predict`, and what all subcommands share: exit statuses, errors as one line, Ctrl-C.

A subcommand is a `Command`; `parastance.train.cli` adds its own and is what the installed command runs.
"""

import argparse
import contextlib
import gc
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parastance.predict.errors import ParastanceError, UsageError, one_line

if TYPE_CHECKING:
    from parastance.predict.inputs import Source

MEGABYTE = 1 << 20
COLLECT_AFTER = 200_000  # containers; a chunk makes some 15,000, in no cycles: searching each for cycles took a tenth of the time
OK, SOME_REJECTED, WRONG, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Command:
    """A subcommand: its name, one line of help, a function that declares its arguments, and one that runs it."""

    name: str
    help: str
    declare: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def number(kind: Callable[[str], Any], fits: Callable[[Any], bool], wanted: str) -> Callable[[str], Any]:
    """Return a type of argument: the number that a text says, refused with what is wanted where it does not fit."""

    def parse(text: str) -> Any:
        with contextlib.suppress(ValueError):
            value = kind(text)
            if fits(value):
                return value
        raise argparse.ArgumentTypeError(f"{text}: must be {wanted}")

    return parse


count = number(int, lambda value: value >= 1, "a whole number, 1 or more")
seed = number(int, lambda value: value >= 0, "a whole number, 0 or more")
share = number(float, lambda value: 0 <= value <= 1, "a number from 0 to 1")
_megabytes = number(float, lambda value: 1 <= value * MEGABYTE < math.inf, "a number above 0")


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
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="a .jsonl, .csv, .tsv or .parquet file, or a folder of parts (labels.parquet/)"
    )
    declare_model(parser)
    parser.add_argument("--target", metavar="NAME", help="whom the stance is about: a registry name, or a .toml file")
    parser.add_argument("--unit", choices=("paragraph", "document"), default="paragraph", help="what a row of a table is")
    parser.add_argument("--text-field", metavar="NAME", default="text", help="the column that holds the text")
    parser.add_argument("--id-field", metavar="NAME", default="id", help="the column that holds the id")
    parser.add_argument("--explain", action="store_true", help="add the evidence: spans whose weights add up to the score")
    parser.add_argument("--jobs", metavar="N", type=count, default=1, help="processes to use")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped, and keep what is done")
    parser.add_argument("--dask", metavar="ADDRESS", help="label on the Dask cluster of this scheduler (tcp://host:8786)")
    parser.add_argument(
        "--part-size", metavar="MB", type=_megabytes, default=None, help="input of one part, the unit of work (default: 8)"
    )
    parser.add_argument("--keep-text", action="store_true", default=True, help="repeat the text in the records (default)")
    parser.add_argument("--no-text", dest="keep_text", action="store_false", help="leave the text out of the records")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    parser.add_argument("--log-json", action="store_true", help="messages as JSON Lines, for machines")


def run_predict(arguments: argparse.Namespace) -> int:
    """Run `predict`; return its exit status."""
    gc.set_threshold(COLLECT_AFTER)
    from parastance.predict.batch import Options, run
    from parastance.predict.chunks import Wanted
    from parastance.predict.destination import destination, without_outputs
    from parastance.predict.inputs import find_sources
    from parastance.predict.model import load
    from parastance.predict.outputs import standard_output
    from parastance.predict.parts import PART_SIZE
    from parastance.predict.progress import Reporter
    from parastance.predict.streaming import stream
    from parastance.predict.units import Reading

    if not arguments.inputs:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("nothing to label: name a file, a folder, a glob, or - for standard input")
        arguments.inputs = ["-"]
    for option in ("resume", "dask", "part_size"):
        if getattr(arguments, option) and arguments.output is None:
            raise UsageError(f"--{option.replace('_', '-')} needs -o OUT")
    report = Reporter(arguments.quiet, arguments.log_json)
    sources = find_sources(arguments.inputs, report.hint)
    model = load(arguments.model, arguments.store)
    target = model.target(arguments.target) if arguments.target else None
    output = None
    if arguments.output is not None:
        output = destination(arguments.output, sources)
        sources = without_outputs(arguments.inputs, sources, output)
    guesses = any(source.format != ".parquet" for source in sources)  # Parquet knows its encoding
    wanted = Wanted(arguments.explain, arguments.keep_text, output is not None and guesses and output.form != ".jsonl")
    reading = Reading(arguments.text_field, arguments.id_field, arguments.unit == "document", target)
    size = int(arguments.part_size * MEGABYTE) if arguments.part_size else PART_SIZE
    options = Options(reading, wanted, arguments.jobs, arguments.dask, arguments.resume, size)
    try:
        if output is None:
            tally = stream(model, sources, reading, wanted, standard_output(), report)
        else:
            tally = run(model, sources, output, options, report)
    finally:
        report.close()
    report.finish(tally, arguments.output)
    return SOME_REJECTED if tally.rejected else OK


def refuse_overwriting(sources: Sequence["Source"], output: str | None) -> None:
    """Raise UsageError where the output or its rejects file is one of the inputs."""
    if output is None:
        return
    for path in (output, f"{output}.rejects.jsonl"):
        if any(os.path.realpath(source.path) == os.path.realpath(path) for source in sources):
            raise UsageError(f"-o {output}: would overwrite {path}, which is an input; name another output")


class Stopped(KeyboardInterrupt):
    """The process is asked to end, as by Ctrl-C: number is the signal's."""

    def __init__(self, number: int) -> None:
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Take SIGTERM and SIGHUP (`kill`, a batch system's time limit, a closed terminal) as Ctrl-C is taken.

    One that the process ignores (nohup) stays ignored.
    """

    def stop(number: int, _: object) -> None:
        raise Stopped(number)

    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in taken:
            signal.signal(number, stop)
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


PREDICT = Command("predict", "label paragraphs", declare_predict, run_predict)


class _Version(argparse.Action):
    """--version, looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: object, **named: object) -> None:
        from parastance.predict.kernel import implementation
        from parastance.predict.version import VERSION

        try:
            scores = implementation()
        except ParastanceError as error:
            parser.error(str(error))
        print(f"parastance {VERSION} (Python {sys.version.split()[0]}, scoring with {scores})")
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
        with stoppable():
            status = int(arguments.run(arguments))
        if argv is None:
            gc.freeze()  # so that nothing is searched for cycles at exit, 30 ms of a short run
        return status
    except ParastanceError as error:
        _complain(str(error), arguments)
        return WRONG
    except KeyboardInterrupt as stop:
        _complain("interrupted; nothing half-written was left", arguments)
        return 128 + stop.number if isinstance(stop, Stopped) else INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: no complaint at exit
        return OK
    except MemoryError:
        _complain("out of memory; try fewer --jobs or smaller inputs", arguments)
        return WRONG
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error), arguments)
        return WRONG


def _complain(message: str, arguments: argparse.Namespace) -> None:
    if getattr(arguments, "log_json", False):
        import json

        print(json.dumps({"event": "error", "message": message}), file=sys.stderr)
    else:
        print(f"parastance: {one_line(message)}", file=sys.stderr)
