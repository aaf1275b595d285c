"""The labelled real paragraphs: our standoff labels joined to the texts of public data sets, which are not shipped.

`seeds/public/labels.jsonl` says where each paragraph stands (set, document, start and end in the document with white
space collapsed), its sha1, and its labels. The texts come from the files as their authors publish them.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parastance.predict.errors import OutputError, UsageError
from parastance.train.data import SEEDS

LABELS = SEEDS / "public" / "labels.jsonl"
Documents = dict[str, str]


@dataclass(frozen=True)
class PublicSet:
    """A public data set: its name, the files it consists of, and how its documents are read from one of them."""

    name: str
    files: tuple[str, ...]
    read: Callable[[Path], Iterator[tuple[str, str]]]


def collapse(text: str) -> str:
    """Return the text with every run of white space as one space and none at its ends."""
    return " ".join(text.split())


def _fakes(path: Path) -> Iterator[tuple[str, str]]:
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        for row in csv.DictReader(stream):
            yield row["unit_id"], collapse(row["article_content"])


def _fnc(path: Path) -> Iterator[tuple[str, str]]:
    mark = "t" if path.name.startswith("train") else "c"
    with open(path, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield f"{mark}{row['Body ID']}", collapse(row["articleBody"])


def _muc(path: Path) -> Iterator[tuple[str, str]]:
    for name, row in json.loads(path.read_text(encoding="utf-8")).items():
        yield name, collapse(row["doc"])


def _plover(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the "text" strings of the file in order; as published it is not one JSON document."""
    decoder = json.JSONDecoder(strict=False)
    source = path.read_text(encoding="utf-8", errors="replace")
    at, number = source.find('"text"'), 0
    while at >= 0:
        begin = source.find('"', source.find(":", at))
        value, _ = decoder.raw_decode(source, begin)
        yield str(number), collapse(value)
        number += 1
        at = source.find('"text"', begin + 1)


SETS = (
    PublicSet("FA-KES", ("FA-KES-Dataset.csv",), _fakes),
    PublicSet("FNC-1", ("train_bodies.csv", "competition_test_bodies.csv"), _fnc),
    PublicSet("MUC-4", ("muc4_train.json",), _muc),
    PublicSet("PLOVER-GSR", ("PLOVER_GSR_CAMEO.txt",), _plover),
)
CAPITALS = "MUC-4"  # all capitals at the source: a paragraph is lower-cased after its first letter


def read_sets(folder: Path) -> tuple[dict[str, Documents], list[str]]:
    """Return (documents by set and name, what is missing) of the public files found anywhere below a folder.

    Raises UsageError where the folder does not exist or a file is not of its set's format.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    found: dict[str, Documents] = {}
    missing = []
    for public in SETS:
        documents: Documents = {}
        for name in public.files:
            path = next(iter(sorted(folder.rglob(name))), None)
            if path is None:
                missing.append(f"{public.name}: no file {name} below {folder}; seeds/public/README.md says where it is published")
                continue
            try:
                documents.update(public.read(path))
            except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
                raise UsageError(f"{path}: not {public.name} as published: {error}") from None
        found[public.name] = documents
    return found, missing


def paragraph(label: dict[str, Any], documents: Documents) -> str | None:
    """Return the text that a label stands for, None where the document is missing or the text is not the labelled one."""
    document = documents.get(label["document"])
    if document is None:
        return None
    text = document[label["start"] : label["end"]]
    if label["set"] == CAPITALS:
        text = text[:1] + text[1:].lower()
    return text if hashlib.sha1(text.encode()).hexdigest() == label["sha1"] else None


def join(labels: Iterable[dict[str, Any]], sets: dict[str, Documents]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return (labelled rows with their texts, one message per set and document that is missing or differs)."""
    rows, absent, differing = [], Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for label in labels:
        documents = sets.get(label["set"], {})
        text = paragraph(label, documents)
        if text is not None:
            rows.append({**label, "text": text})
        elif documents:
            place = (label["set"], label["document"])
            (differing if label["document"] in documents else absent)[place] += 1
    messages = [f"{name}: document {doc} is missing ({count} paragraphs)" for (name, doc), count in sorted(absent.items())]
    messages += [
        f"{name}: document {doc} differs from the one labelled ({count} paragraphs)"
        for (name, doc), count in sorted(differing.items())
    ]
    return rows, messages


def read_labels() -> list[dict[str, Any]]:
    """Return the rows of the standoff table."""
    with open(LABELS, encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def rebuild(folder: Path, output: str) -> tuple[int, list[str]]:
    """Write the rebuilt paragraphs to `output`; return (how many, what is missing).

    Raises UsageError where the folder or a file in it cannot be used, OutputError where the output cannot be written.
    """
    if not output.endswith(".jsonl"):
        raise UsageError(f"-o {output}: the ending must be .jsonl")
    sets, missing = read_sets(folder)
    rows, messages = join(read_labels(), sets)
    aside = Path(f"{output}.part")
    try:
        with open(aside, "w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        aside.replace(output)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OutputError(f"{output}: cannot be written: {error.strerror or error}") from None
    return len(rows), missing + messages
