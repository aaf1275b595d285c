"""A fitted model to its folder: four files and the held-out record, made aside and renamed together, the same bytes each time."""

import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib

from parastance.predict.artifact import FILES, FORMAT, compressed, with_terms
from parastance.predict.errors import OutputError
from parastance.predict.heads import CHOSEN
from parastance.predict.version import VERSION
from parastance.train.card import write_card
from parastance.train.config import Config
from parastance.train.data import LabelledRow
from parastance.train.durable import exchange
from parastance.train.fit import Fitted
from parastance.train.held_out import FILE, record_of, to_bytes
from parastance.train.validation import validate

LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")


def data_digest(rows: Sequence[LabelledRow]) -> str:
    """Return the sha256 of the labelled rows, by id and whatever their order in the files."""
    lines = sorted(
        json.dumps(
            [row.id, row.text, row.topics, row.stance, row.kind, row.target, row.mentions, row.group], ensure_ascii=True
        )
        for row in rows
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def summary(fitted: Fitted) -> dict[str, Any]:
    """Return what the data were: rows, groups, label counts and sources."""
    rows = fitted.rows
    sources = Counter(str(row.fields.get("set") or "written") for row in rows)
    return {
        "rows": len(rows),
        "groups": fitted.groups,
        "near_duplicate_pairs": fitted.duplicates,
        "sources": dict(sorted(sources.items())),
        "topics": dict(sorted(Counter(name for row in rows for name in row.topics or ()).items())),
        "stance": dict(sorted(Counter(row.stance for row in rows if row.stance).items())),
        "kind": dict(sorted(Counter(row.kind for row in rows if row.kind).items())),
        "targets": dict(sorted(Counter(row.target or "default" for row in rows).items())),
    }


def manifest_of(fitted: Fitted, config: Config, model_bytes: bytes) -> dict[str, Any]:
    """Return the manifest: what the file is, from which data, made by what."""
    settings = {key: value for key, value in asdict(config).items() if key != "jobs"}
    return {
        "format": FORMAT,
        "sha256": hashlib.sha256(model_bytes).hexdigest(),
        "labels": {name: list(head.head.labels) for name, head in fitted.heads.items()},
        "data_sha256": data_digest(fitted.rows),
        "data": summary(fitted),
        "settings": settings,
        "chosen": {
            name: {**head.recipe.told(), **{rule: getattr(head.head, rule) for rule in CHOSEN}}
            for name, head in fitted.heads.items()
        },
        "tried": {name: head.trials for name, head in fitted.heads.items()},
        "seed": config.seed,
        "versions": {"parastance": VERSION, "python": platform.python_version(), **_versions()},
    }


def _versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def save(
    fitted: Fitted, config: Config, folder: Path, extra: dict[str, Any] | None = None, files: Sequence[str] = ()
) -> dict[str, Any]:
    """Write the artifact folder whole or not at all; return its metrics. Raises OutputError where it cannot be written.

    A folder of that name is replaced if it is an artifact or empty, else left alone. extra: entries added to the metrics.
    files: the names of the data's files, for the manifest.
    """
    if folder.exists() and not _replaceable(folder):
        raise OutputError(f"{folder}: exists and is no model folder; name another")
    metrics = {**validate(fitted, config), **({"held": config.held} if config.held is not None else {}), **(extra or {})}
    aside: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        aside.chmod(0o755)
        joblib.dump(canonical(with_terms(fitted.artifact, compressed)), aside / FILES.model)
        held_out = to_bytes(record_of(fitted))
        (aside / FILE).write_bytes(held_out)
        manifest = manifest_of(fitted, config, (aside / FILES.model).read_bytes())
        manifest["data"]["files"] = list(files)
        manifest["held_out_sha256"] = hashlib.sha256(held_out).hexdigest()
        _write_json(aside / FILES.manifest, manifest)
        _write_json(aside / FILES.metrics, metrics)
        (aside / FILES.card).write_text(write_card(manifest, metrics), encoding="utf-8")
        _swap(aside, folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
    return metrics


def canonical(value: Any) -> Any:
    """Return the value with equal strings as one object, so that its pickle depends on what it says alone."""
    if isinstance(value, dict):
        return {sys.intern(str(key)): canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return sys.intern(str(value)) if isinstance(value, str) else value


def _replaceable(folder: Path) -> bool:
    return folder.is_dir() and ((folder / FILES.manifest).exists() or not any(folder.iterdir()))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _swap(aside: Path, folder: Path) -> None:
    """Put the finished folder in the place of the old one; on a failure the old one is put back."""
    if not folder.exists():
        os.replace(aside, folder)
        return
    if exchange(aside, folder):  # no moment without a model; what is aside now is the old one
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    os.replace(folder, old / folder.name)
    try:
        os.replace(aside, folder)
    except OSError:
        os.replace(old / folder.name, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
