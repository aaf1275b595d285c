"""Archives for the benchmarks of batch runs: folders by year and month with small files of every format, some rows bad."""

import csv
import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FORMS = (".jsonl", ".csv", ".parquet", ".txt", ".jsonl.gz", ".tsv")
SENTENCES = (
    "Tehran sent advisers to Damascus.", "Talks between Assad and the envoy failed in Geneva.",
    "Shells killed nine people in Homs.", "The ministry said on Tuesday that the convoy had arrived.",
    "Share this article", "Moscow vetoed the draft resolution.",
)  # fmt: skip
ARTICLES = Path(__file__).resolve().parents[2] / "seeds" / "articles"


def paragraph(rng: random.Random, longest: int = 5) -> str:
    """Return some sentences."""
    return " ".join(rng.choice(SENTENCES) for _ in range(rng.randint(1, longest)))


def make_archive(root: Path, files: int, rows: int, seed: int = 0) -> None:
    """Write `files` files of up to `rows` rows, each seventeenth of them with a row that has no text."""
    rng = random.Random(seed)
    for number in range(files):
        folder = root / f"year={2010 + number % 5}" / f"month={1 + number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        table = [
            {"id": f"{number}-{at}", "text": paragraph(rng), "n": at, "outlet": rng.choice(["Wire", None])}
            for at in range(rng.randint(2, rows))
        ]
        if number % 17 == 0:
            table[1]["text"] = ""
        write_rows(folder / f"f{number:05d}{FORMS[number % len(FORMS)]}", table)


def write_rows(path: Path, table: list[dict[str, object]]) -> None:
    """Write rows in the format of the path's ending; of a text the paragraphs alone."""
    lines = "".join(json.dumps(row) + "\n" for row in table).encode()
    if path.suffix == ".parquet":
        types = {"n": pa.int32()}
        schema = pa.schema([(name, types.get(name, pa.string())) for name in table[0]])
        pq.write_table(pa.Table.from_pylist(table, schema), path)
    elif path.suffix == ".txt":
        path.write_text("\n\n".join(str(row["text"]) or "-" for row in table))
    elif path.suffix in (".csv", ".tsv"):
        with open(path, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter="," if path.suffix == ".csv" else "\t", lineterminator="\n")
            writer.writerows([list(table[0]), *(list(row.values()) for row in table)])
    else:
        path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)
