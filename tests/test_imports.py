"""What is imported when: the runtime without scikit-learn, `--help` without numpy."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PREDICT = Path(__file__).resolve().parent.parent / "predict"
HEAVY = ("sklearn", "scipy", "pyarrow", "trafilatura", "charset_normalizer", "tqdm", "pandas")


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()}


@pytest.mark.parametrize("file", sorted(PREDICT.glob("*.py")), ids=lambda file: file.name)
def test_the_runtime_never_imports_training(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names = [node.module or ""]
        for name in names:
            assert not name.startswith(("sklearn", "scipy", "parastance.train"))


def test_a_label_costs_numpy_only() -> None:
    found = modules_after("from parastance.predict import load; load().label(['Talks failed.'])")
    assert found.isdisjoint({*HEAVY, "joblib", "asyncio", "email", "multiprocessing", "tomllib"})
    assert "parastance" in found


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import contextlib, io\nfrom parastance.train.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main(['--help'])"
    )
    assert modules_after(code).isdisjoint({*HEAVY, "numpy", "joblib"})


@pytest.mark.parametrize(("wanted", "found"), [("numpy", "NumPy"), ("c", "the C kernel"), ("fortran", None)])
def test_the_implementation_can_be_chosen(wanted: str, found: str | None) -> None:
    if wanted == "c" and not list(PREDICT.glob("_kernel*.so")) + list(PREDICT.glob("_kernel*.pyd")):
        pytest.skip("no kernel was built")
    done = subprocess.run(
        [sys.executable, "-m", "parastance.predict", "--version"], capture_output=True, text=True, check=False,
        env={**os.environ, "PARASTANCE_KERNEL": wanted},
    )  # fmt: skip
    assert done.returncode == (2 if found is None else 0)
    assert (found or "must be c or numpy") in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
