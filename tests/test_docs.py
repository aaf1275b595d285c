"""The READMEs are held against the program: their commands, their options, their files, their figures."""

import json
import re
import shlex
from pathlib import Path

import pytest

from parastance.predict.cli import main
from parastance.train.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = "\n".join([README, *((ROOT / folder / "README.md").read_text(encoding="utf-8") for folder in ("predict", "train"))])
CALLS = sorted(set(re.findall(r"(?:^    |&& )(?:\.venv/bin/)?(parastance .+)$", DOCS, re.M)))


@pytest.mark.parametrize("call", CALLS)
def test_a_command_of_a_readme_can_be_parsed(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    commands = [type(c)(c.name, c.help, c.declare, lambda arguments: seen.append(arguments) or 0) for c in COMMANDS]
    assert main(commands, shlex.split(call)[1:]) == 0
    assert seen


def test_the_readmes_name_every_command() -> None:
    assert {call.split()[1] for call in CALLS} == {command.name for command in COMMANDS}


def test_options_in_the_text_exist() -> None:
    known = {"--notions"}
    for command in COMMANDS:
        import argparse

        parser = argparse.ArgumentParser()
        command.declare(parser)
        known |= {option for action in parser._actions for option in action.option_strings}
    assert set(re.findall(r"`(--[a-z-]+)", DOCS)) <= known


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:seeds|artifacts|tests|predict|train)/[\w./-]+)`", DOCS))))
def test_a_file_of_a_readme_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_figures_are_those_of_the_shipped_model() -> None:
    metrics = json.loads((ROOT / "artifacts" / "default" / "metrics.json").read_text())
    for title, scores in metrics["on_real_paragraphs"].items():
        row = next(line for line in README.splitlines() if line.startswith(f"| {title} |"))
        assert row == f"| {title} | " + " | ".join(f"{scores[head]:.3f}" for head in ("topics", "stance")) + " |"
