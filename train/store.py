"""Writing the store: models kept, the pointer switched, the history added to. Nothing is ever deleted but left-overs of kills.

A switch is one rename of the pointer, which holds the whole entry; its line in the history follows. A kill between the two
loses nothing: whoever writes next finds the pointer's entry missing in the history and adds it. Writers hold the store's
lock. Reading is `parastance.predict.store`.
"""

import contextlib
import getpass
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from parastance.predict.artifact import DEFAULT, model_name, read_artifact, read_manifest
from parastance.predict.errors import ModelError, OutputError, UsageError
from parastance.predict.storage import close_synced, sync_folder, write_whole
from parastance.predict.store import HISTORY, IN_USE, PROMOTED, read_pointer
from parastance.train.durable import append_line, locked

Entry = dict[str, Any]
START, PROMOTE, ROLLBACK, REFUSE = "start", "promote", "rollback", "refuse"
_LOCK, _ASIDE = ".lock", ".aside."


def refuse_kept(folder: Path, own_data: bool) -> None:
    """Raise UsageError where a training must not write: over a model kept in a store, or own data over the shipped model."""
    if any(parent.name == PROMOTED and (parent.parent / HISTORY).exists() for parent in folder.resolve().parents):
        raise UsageError(f"-o {folder}: models kept in a store are never written to; name another folder, then promote it")
    if own_data and folder.resolve() == DEFAULT.resolve():
        raise UsageError(f"-o {folder}: that is the shipped model; name another folder, then `parastance promote` it")


@contextlib.contextmanager
def writing(store: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the store's lock, made whole after kills. Raises OutputError where the store cannot be written."""
    try:
        (store / PROMOTED).mkdir(parents=True, exist_ok=True)
        with locked(store / _LOCK, waiting):
            _mend(store)
            yield
    except OSError as error:
        raise OutputError(f"{error.filename or store}: the store cannot be written: {error.strerror or error}") from None


def _mend(store: Path) -> None:
    """Remove what killed writers left aside, and log the switch that a kill kept from being logged."""
    for left in [*(store / PROMOTED).glob(f"{_ASIDE}*"), *store.glob(f".{IN_USE}.*")]:
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    with contextlib.suppress(ModelError):
        entry = read_pointer(store)
        if entry is not None and entry["n"] not in {logged["n"] for logged in _logged(store)}:
            append_line(store / HISTORY, _line(entry))


def _line(entry: Entry) -> str:
    return json.dumps(entry, ensure_ascii=False, allow_nan=False)


def _logged(store: Path) -> list[Entry]:
    """Return the whole lines of the history; what a kill left of one is passed over."""
    try:
        lines = (store / HISTORY).read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    entries = []
    for line in lines:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and isinstance(entry.get("n"), int):
                entries.append(entry)
    return entries


def history(store: Path) -> list[Entry]:
    """Return every entry, oldest first, with the switch that is not logged yet."""
    entries = _logged(store)
    with contextlib.suppress(ModelError):
        entry = read_pointer(store)
        if entry is not None and entry["n"] not in {logged["n"] for logged in entries}:
            entries.append(entry)
    return entries


def trail(store: Path) -> list[Entry]:
    """Return the entries of the models that led to the one in use, which is the last: a promotion adds, a rollback takes off."""
    stack: list[Entry] = []
    for entry in history(store):
        action = entry["action"]
        if action in (START, PROMOTE):
            stack.append(entry)
        elif action == ROLLBACK:
            places = [at for at, earlier in enumerate(stack) if earlier["kept"] == entry["kept"]]
            stack = [*stack[: places[-1]], entry] if places else [*stack, entry]
    return stack


def snapshot(store: Path, folder: Path) -> Path:
    """Return a copy of a model folder set aside in the store, whole and flushed; `keep` keeps it.

    Call it under `writing`. Raises ModelError where the folder is no model or its bytes do not match its manifest.
    """
    read_manifest(folder)
    copy = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=store / PROMOTED)) / folder.resolve().name
    try:
        _copy_durably(folder, copy)
        read_artifact(copy)
    except ModelError:
        discard(copy)
        read_artifact(folder)  # says what is wrong by the name that the user gave
        raise
    except BaseException:
        discard(copy)
        raise
    return copy


def _copy_durably(folder: Path, copy: Path) -> None:
    copy.mkdir()
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with open(path, "rb") as source, open(copy / path.name, "wb") as target:
                shutil.copyfileobj(source, target)
                close_synced(target)
    sync_folder(copy)
    sync_folder(copy.parent)


def keep(store: Path, copy: Path) -> str:
    """Keep a snapshot for good; return its path relative to the store. Equal folders are kept once."""
    digest = hashlib.sha256(copy.name.encode())
    for path in sorted(copy.iterdir()):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    place = store / PROMOTED / digest.hexdigest()[:12]
    if place.is_dir():
        discard(copy)
    else:
        copy.parent.chmod(0o755)
        os.replace(copy.parent, place)
        sync_folder(place.parent)
    return f"{PROMOTED}/{place.name}/{copy.name}"


def discard(copy: Path) -> None:
    """Remove a snapshot that is not to be kept."""
    shutil.rmtree(copy.parent, ignore_errors=True)


def keep_shipped(store: Path) -> Entry:
    """Keep the shipped model, in use until now, and log it as the start; return that entry."""
    kept = keep(store, snapshot(store, DEFAULT))
    last = trail(store)[-1:]
    if last and last[0]["action"] == START and last[0]["kept"] == kept:
        return last[0]
    entry = new_entry(store, START, DEFAULT, kept=kept)
    append_line(store / HISTORY, _line(entry))
    return entry


def new_entry(store: Path, action: str, folder: Path, **more: Any) -> Entry:
    """Return an entry about a model folder: number, time, who, what, from which data."""
    manifest = read_manifest(folder)
    entry = {
        "n": 1 + max((entry["n"] for entry in history(store)), default=-1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": _user(),
        "action": action,
        "model": model_name(folder, manifest),
        "data_sha256": str(manifest.get("data_sha256", "")),
    }
    return {**entry, **more}


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in some containers
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def switch(store: Path, entry: Entry) -> None:
    """Put the model that an entry names in use, then log it. Call it under `writing`."""
    write_whole(str(store / IN_USE), (_line(entry) + "\n").encode())
    append_line(store / HISTORY, _line(entry))


def log(store: Path, entry: Entry) -> None:
    """Log an entry that switches nothing. Call it under `writing`."""
    append_line(store / HISTORY, _line(entry))


def rollback(store: Path, to: str | None = None, note: str = "") -> Entry:
    """Put the model before the one in use back in use, or the one named `to` of any that ever was; return the entry.

    Raises UsageError where there is none, ModelError where it cannot be read; then nothing has changed.
    """
    if not (store / HISTORY).exists():
        raise UsageError(f"{store}: nothing was ever promoted there; the shipped model is in use")
    with writing(store):
        stack = trail(store)
        if to is None:
            if len(stack) < 2:
                raise UsageError(f"{store}: no model was in use before the present one; nothing to go back to")
            chosen = stack[-2]
        else:
            chosen = _ever_in_use(store, to)
        folder = store / str(chosen["kept"])
        read_artifact(folder)
        before = stack[-1]["model"] if stack else None
        entry = new_entry(store, ROLLBACK, folder, kept=chosen["kept"], before=before, note=note)
        switch(store, entry)
        return entry


def _ever_in_use(store: Path, name: str) -> Entry:
    kept = [entry for entry in history(store) if entry.get("kept")]
    found = [entry for entry in kept if entry["model"] == name]
    if not found:
        alike = sorted({entry["model"] for entry in kept if entry["model"].rpartition("@")[0] == name})
        if alike:
            raise UsageError(f"{name}: say which one: {', '.join(alike)}")
        raise UsageError(f"{name}: was never in use in {store}; `parastance models` lists what was")
    return found[-1]


