"""What tests share: a small model trained once, the shipped model, and a way to run the command as a user does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

os.environ["PARASTANCE_STORE"] = str(ROOT / "tests" / "no_store")  # a store that says nothing: the shipped model is meant

settings.register_profile("any_machine", deadline=None)  # no test is judged by a clock
settings.load_profile("any_machine")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def small() -> Any:
    """A model of every fifteenth paragraph of the corpus, in two folds: a second's work."""
    from parastance.train.config import Config
    from parastance.train.data import corpus_files, read_labelled
    from parastance.train.fit import fit

    return fit(read_labelled(corpus_files())[::15], Config(folds=2, regularisation=(10.0,)))


@pytest.fixture(scope="session")
def small_model(small: Any) -> Any:
    from parastance.predict.model import Model

    return Model.from_artifact(small.artifact, "small")


@pytest.fixture(scope="session")
def small_folder(small: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from parastance.train.config import Config
    from parastance.train.save import save

    folder = tmp_path_factory.mktemp("models") / "small"
    save(small, Config(folds=2, regularisation=(10.0,)), folder)
    return folder


@pytest.fixture(scope="session")
def model() -> Any:
    from parastance.predict import load

    return load()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `parastance` in a process of its own, in an empty folder."""

    def call(*arguments: str | Path, stdin: bytes | None = None, cwd: Path = tmp_path) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "parastance.train", *map(str, arguments)], cwd=cwd, input=stdin or b"",
            capture_output=True, timeout=120, env={**os.environ, "PYTHONUTF8": "1"}, check=False,
        )  # fmt: skip
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return call
