"""The store: a folder of models that says which one is in use. Reading only; `parastance.train` writes it.

    STORE/candidate/              what `train` writes where no folder is named
    STORE/in_use.json             the last switch: a pointer, replaced by one rename
    STORE/history.jsonl           every switch and every refusal, a line each, only ever added to
    STORE/promoted/DIGEST/NAME/   every model that was ever in use, never changed and never deleted

A store without a pointer says nothing: then the shipped model is in use.
"""

import json
import os
from pathlib import Path
from typing import Any

from parastance.predict.artifact import DEFAULT
from parastance.predict.errors import ModelError

VARIABLE = "PARASTANCE_STORE"
IN_USE, HISTORY, PROMOTED, CANDIDATE = "in_use.json", "history.jsonl", "promoted", "candidate"


def find_store(given: str | Path | None = None) -> Path:
    """Return the store's folder, which need not exist: the one given, else $PARASTANCE_STORE, else ./artifacts."""
    return Path(given or os.environ.get(VARIABLE) or "artifacts")


def read_pointer(store: Path) -> dict[str, Any] | None:
    """Return the switch that put the model in use there, or None where the store says nothing.

    Raises ModelError where the pointer cannot be read: to go on with another model unasked would be worse.
    """
    path = store / IN_USE
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        kept = entry["kept"]
        if not isinstance(entry["n"], int) or not (store / kept).resolve().is_relative_to((store / PROMOTED).resolve()):
            raise ValueError(f"it points outside {PROMOTED}")
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise ModelError(f"{store}: a store is a folder") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: does not say which model is in use ({error}); take its last good line from {HISTORY}, "
            "or delete it to go back to the shipped model"
        ) from None
    return dict(entry)


def model_in_use(store: Path) -> Path:
    """Return the folder of the model in use: what the store points at, or the shipped one.

    Raises ModelError where the pointer is broken or the model it names is gone.
    """
    entry = read_pointer(store)
    if entry is None:
        return DEFAULT
    folder = store / str(entry["kept"])
    if not folder.is_dir():
        raise ModelError(f"{folder}: the model in use is gone; `parastance rollback` goes back to the one before")
    return folder
