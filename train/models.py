"""What models there are: the shipped one, the candidates of a store, and every model that was ever in use."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from parastance.predict.artifact import DEFAULT, FILES, model_name, read_manifest
from parastance.predict.errors import ModelError
from parastance.predict.store import model_in_use
from parastance.train.store import PROMOTE, START, Entry, history

MAIN = {"topics": "macro_f1", "stance": "macro_f1", "kind": "accuracy"}


@dataclass(frozen=True)
class Listed:
    """A model: where it is, from which data, its cross-validated main scores, whether it is or was in use.

    since: when it was last put in use; forced: whether it was promoted against the gate; broken: why it cannot be read.
    """

    model: str
    folder: str
    in_use: bool
    shipped: bool
    since: str | None = None
    forced: bool = False
    rows: int | None = None
    files: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    data_sha256: str | None = None
    scores: dict[str, float] | None = None
    broken: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the model as a dict of plain values."""
        return asdict(self)


def models(store: Path, complain: Callable[[ModelError], None] = lambda error: None) -> list[Listed]:
    """Return the models, the one in use first, then those that were, the latest first, then the rest by folder.

    `complain` is called where the store does not say which is in use, or that one is gone.
    """
    current: Path | None = None
    try:
        current = model_in_use(store).resolve()
    except ModelError as error:
        complain(error)
    entries = [entry for entry in history(store) if entry.get("kept")]
    since = {entry["kept"]: str(entry["at"]) for entry in entries if entry["action"] != START}
    forced = {entry["kept"]: bool(entry.get("forced")) for entry in entries if entry["action"] == PROMOTE}
    folders = _folders(store, {entry["kept"] for entry in entries})
    found = [_listed(folder, store, current, since, forced) for folder in folders]
    found.sort(key=lambda one: one.since or "", reverse=True)
    found.sort(key=lambda one: not one.in_use)
    first: dict[str, Listed] = {}
    for one in found:
        first.setdefault(one.model, one)
    return list(first.values())


def _folders(store: Path, kept: set[str]) -> Iterator[Path]:
    """Yield the shipped model, the candidates, and what was kept."""
    yield DEFAULT
    for path in sorted([*store.glob("[!.]*"), *(store / name for name in kept)]):
        if (path / FILES.manifest).is_file() and path.resolve() != DEFAULT.resolve():
            yield path


def _listed(folder: Path, store: Path, current: Path | None, since: dict[str, str], forced: dict[str, bool]) -> Listed:
    kept = folder.relative_to(store).as_posix() if folder.is_relative_to(store) else ""
    known: dict[str, Any] = {
        "folder": str(folder), "in_use": folder.resolve() == current, "shipped": folder == DEFAULT,
        "since": since.get(kept), "forced": forced.get(kept, False),
    }  # fmt: skip
    try:
        manifest = read_manifest(folder)
    except ModelError as error:
        return Listed(folder.name, broken=str(error), **known)
    data = manifest.get("data", {})
    return Listed(
        model_name(folder, manifest), rows=data.get("rows"), files=tuple(data.get("files", ())),
        sources=tuple(data.get("sources", ())), data_sha256=manifest.get("data_sha256"), scores=_scores(folder), **known,
    )  # fmt: skip


def _scores(folder: Path) -> dict[str, float] | None:
    try:
        found = json.loads((folder / FILES.metrics).read_text(encoding="utf-8"))["cross_validated"]
        return {head: float(scores.get(MAIN.get(head, "macro_f1"), scores["macro_f1"])) for head, scores in found.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def describe(listed: Sequence[Listed]) -> str:
    """Return the models as a table for people."""
    wide = max([len(one.model) for one in listed] + [5])
    lines = [f"  {'model':<{wide}}  {'rows':>7}  {'data':<8}  state"]
    for one in listed:
        rows = "-" if one.rows is None else f"{one.rows:,}"
        lines.append(
            f"{'*' if one.in_use else ' '} {one.model:<{wide}}  {rows:>7}  {(one.data_sha256 or '-')[:8]:<8}  {_state(one)}"
        )
        figures = ", ".join(f"{head} {value:.3f}" for head, value in (one.scores or {}).items())
        sources = ", ".join(one.files or one.sources)
        detail = " · ".join(part for part in (figures, sources, one.folder, one.broken or "") if part)
        lines.append(f"    {detail}")
    return "\n".join(lines)


def _state(one: Listed) -> str:
    if one.broken:
        return "broken"
    forced = ", forced" if one.forced else ""
    if one.in_use:
        return f"in use since {one.since}{forced}" if one.since else "in use (shipped)"
    if one.since:
        return f"was in use from {one.since}{forced}"
    return "shipped" if one.shipped else "candidate"


def describe_history(entries: Sequence[Entry]) -> str:
    """Return the history as lines for people, oldest first."""
    lines = []
    for entry in entries:
        how = {"start": "was in use", "promote": "promoted", "rollback": "rolled back to", "refuse": "refused"}[entry["action"]]
        before = f", before it {entry['before']}" if entry.get("before") else ""
        forced = " by force" if entry.get("forced") else ""
        note = f": {entry['note']}" if entry.get("note") else ""
        lines.append(f"{entry['n']:>3}  {entry['at']}  {entry['by']}  {how}{forced} {entry['model']}{before}{note}")
        lines += [f"       - {reason}" for reason in entry.get("reasons", ())]
    return "\n".join(lines)
