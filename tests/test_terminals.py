"""What people see: at terminals of any encoding, in logs that are full, after stops; and what machines read."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from parastance.predict.cli import Stopped, stoppable
from parastance.predict.errors import one_line
from parastance.predict.progress import Reporter

TEXT = "Talks between Assad and the envoy failed in Geneva: ‘no deal’, é."
PREDICT = [sys.executable, "-m", "parastance.train", "predict"]


def at_terminal(arguments: list[str], cwd: Path, **environment: str) -> tuple[int, str]:
    """Run with input, output and messages at a terminal; return (exit status, what it showed)."""
    pty = pytest.importorskip("pty")
    above, below = pty.openpty()
    process = subprocess.Popen(
        [*PREDICT, *arguments], cwd=cwd, stdin=below, stdout=below, stderr=below, env={**os.environ, **environment}
    )
    os.close(below)
    shown = b""
    while True:
        try:
            block = os.read(above, 65536)
        except OSError:  # Linux says so that the terminal is closed
            block = b""
        if not block:
            break
        shown += block
    os.close(above)
    return process.wait(60), shown.decode("utf-8", "replace").replace("\r\n", "\n")


# (what, environment, a part of what is shown)
ENCODINGS = [
    ("UTF-8", {"PYTHONUTF8": "1"}, "‘no deal’, é."),
    ("the C locale", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "?no deal?, ?."),
    ("Latin-1", {"PYTHONIOENCODING": "latin-1"}, "?no deal?, "),
    ("ASCII", {"PYTHONIOENCODING": "ascii"}, "?no deal?, ?."),
]


@pytest.mark.parametrize(("what", "environment", "part"), ENCODINGS, ids=[case[0] for case in ENCODINGS])
def test_a_table_for_any_terminal(what: str, environment: dict[str, str], part: str, small_folder: Path, tmp_path: Path) -> None:
    """The table alone, no progress bar across it."""
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    status, shown = at_terminal(["a.txt", "--model", str(small_folder)], tmp_path, **environment)
    assert status == 0 and part in shown
    assert shown.startswith("\x1b[1ma.txt") and "%|" not in shown and "Traceback" not in shown


def test_file_names_steer_no_terminal(small_folder: Path, tmp_path: Path) -> None:
    name = "a\n\x1b[31mb.txt"
    (tmp_path / name).write_text(TEXT, encoding="utf-8")
    (tmp_path / f"empty{name}").touch()
    for options in (["--quiet"], ["-o", "out.jsonl"]):
        _, shown = at_terminal([name, f"empty{name}", "--model", str(small_folder), *options], tmp_path, NO_COLOR="1")
        assert "\x1b[31m" not in shown
        assert "parastance: emptya\\n\\x1b[31mb.txt: the file is empty\n" in shown


# (message, the line shown)
LINES = [
    ("a b, é 😀", "a b, é 😀"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("\udcff", "\\udcff"), ("a\u2028b", "a\\u2028b"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), LINES)
def test_messages_are_one_line(text: str, wanted: str) -> None:
    assert one_line(text) == wanted


def test_log_json_is_json_in_any_encoding(small_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "é.txt").touch()
    done = subprocess.run(
        [*PREDICT, "é.txt", "-o", "ü.jsonl", "--log-json", "--model", small_folder], cwd=tmp_path, capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
    )  # fmt: skip
    events = [json.loads(line) for line in done.stderr.decode("ascii").splitlines()]
    assert [event["event"] for event in events] == ["start", "reject", "end"]
    assert events[1]["message"] == "é.txt: the file is empty" and events[2]["output"] == "ü.jsonl"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is always full")
@pytest.mark.parametrize("options", [[], ["--log-json"]])
def test_a_full_log_costs_no_run(options: list[str], small_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    with open("/dev/full", "wb") as log:
        command = [*PREDICT, "a.txt", "-o", "out.jsonl", "--model", small_folder, *options]
        done = subprocess.run(command, cwd=tmp_path, stderr=log, check=False)
    assert done.returncode == 0 and (tmp_path / "out.jsonl").read_text().count("\n") == 1


def test_hints_are_not_for_quiet(capsys: Any) -> None:
    for quiet in (True, False):
        Reporter(quiet=quiet).hint("left out")
    assert capsys.readouterr().err == "parastance: left out\n"


# ------------------------------------------------------------------------------------------------ stops

@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_stopped_run_says_how_to_go_on(name: str, status: int, small_folder: Path, tmp_path: Path) -> None:
    """The signal comes when two parts of five are done."""
    for at in range(5):
        (tmp_path / f"{at}.txt").write_text(TEXT, encoding="utf-8")
    code = f"""
import os, signal, sys
from parastance.predict import ledger
from parastance.train.cli import main
add = ledger.Ledger.add
def stopping(self, part, done):
    add(self, part, done)
    if len(self.records) == 2:
        os.kill(os.getpid(), signal.{name})
ledger.Ledger.add = stopping
if __name__ == "__main__":
    sys.exit(main())
"""
    options = ["-o", "out.jsonl", "--part-size", "0.00001", "--model", str(small_folder)]
    (tmp_path / "stopped.py").write_text(code)
    command = [sys.executable, "stopped.py", "predict", *(f"{at}.txt" for at in range(5)), *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert done.stderr.splitlines() == [
        "parastance: 2 parts are done and kept: the same command with --resume goes on",
        "parastance: interrupted; nothing half-written was left",
    ]
    again = [*PREDICT, *command[3:], "--resume"]
    assert subprocess.run(again, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert (tmp_path / "out.jsonl").read_text().count("\n") == 5


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_what_ignores_a_hang_up_goes_on(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(Stopped):
                os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


# ------------------------------------------------------------------------------------------------ wrong usage

# (arguments, what is said)
WRONG = [
    (["a.txt", "-o", ""], "-o '': names no file"),
    (["a.txt", "-o", "-"], "-o '-': names no file; without -o records go to standard output"),
    (["", "-o", "out.jsonl"], "an input without a name"),
    (["a.txt", "-o", os.devnull], "it is a file, whose name ends in none of .jsonl"),
    (["a.txt", "-o", "out.jsonl", "--part-size", "inf"], "must be a number above 0"),
    (["a.txt", "-o", "out.jsonl", "--part-size", "nan"], "must be a number above 0"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage_is_one_line(arguments: list[str], message: str, run: Any, small_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    done = run("predict", *arguments, "--model", small_folder)
    assert done.returncode == 2 and message in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt"]
