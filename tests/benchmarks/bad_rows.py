"""10,000 rows of which 1,000 are bad in twelve ways: the good ones labelled, the bad ones rejected each with its reason.

    python tests/benchmarks/bad_rows.py

The rejects are then mended and run again by themselves.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from archive_maker import paragraph

LONG = "word " * 200_001
# (what, the line, what its reason says)
WAYS = [
    ("cut line", b'{"id": "x", "text": "Talks fai', "not JSON"),
    ("a list", b'["Talks failed."]', "not a JSON object"),
    ("no text", b'{"id": "x"}', "no `text`"),
    ("a null", b'{"text": null}', "no `text`"),
    ("a number for a text", b'{"text": 5}', "must be a string"),
    ("an empty text", b'{"text": ""}', "is empty"),
    ("punctuation only", b'{"text": "... !"}', "no letter"),
    ("a NUL byte", b'{"text": "a\x00b"}', "NUL"),
    ("half a surrogate pair", b'{"text": "a \\ud800"}', "surrogate"),
    ("a list for an id", b'{"text": "Talks.", "id": [1]}', "`id` must be a string"),
    ("mentions outside the text", b'{"text": "Talks.", "target_mentions": [[0, 99]]}', "outside the text"),
    ("a text of a million characters", json.dumps({"text": LONG}).encode(), "longer than 1,000,000"),
]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main() -> int:
    argparse.ArgumentParser(description="10,000 rows, 1,000 of them bad in twelve ways.").parse_args()
    rng = random.Random(0)
    bad = set(rng.sample(range(10_000), 1_000))
    ways = {row: WAYS[at % len(WAYS)] for at, row in enumerate(sorted(bad))}
    with tempfile.TemporaryDirectory() as folder:
        rows, out = Path(folder, "rows.jsonl"), Path(folder, "out.jsonl")
        with open(rows, "wb") as stream:
            for row in range(10_000):
                good = json.dumps({"id": str(row), "text": paragraph(rng)}).encode()
                stream.write((ways[row][1] if row in ways else good) + b"\n")
        predict = [sys.executable, "-m", "parastance.train", "predict"]
        done = subprocess.run([*predict, rows, "-o", out, "--jobs", "2"], capture_output=True, text=True, check=False)
        labelled = [row["id"] for row in read(out)]
        rejects = read(Path(f"{out}.rejects.jsonl"))
        right = sum(ways[row["row"] - 1][2] in row["reason"] for row in rejects)
        counts = Counter(ways[row["row"] - 1][0] for row in rejects)
        assert labelled == [str(row) for row in range(10_000) if row not in bad]
        assert [row["row"] - 1 for row in rejects] == sorted(bad)
        print(f"exit status {done.returncode}: {len(labelled):,} labelled, {len(rejects):,} rejected, {right:,} with reason")
        for what, count in counts.items():
            reason = next(row["reason"] for row in rejects if ways[row["row"] - 1][0] == what)
            print(f"  {count:3}  {what}: {reason}")
        mended = Path(folder, "mended.rejects.jsonl")
        mended.write_text("".join(json.dumps({**row, "raw": {"text": "Talks failed in Geneva."}}) + "\n" for row in rejects))
        again = subprocess.run([*predict, mended, "-o", Path(folder, "again.jsonl")], capture_output=True, text=True, check=False)
        ids = [row["id"] for row in read(Path(folder, "again.jsonl"))]
        assert ids == [f"rows.jsonl#{row + 1}" for row in sorted(bad)]
        print(f"mended and run again: exit status {again.returncode}, {len(ids):,} labelled, ids as in rows.jsonl")
    return int(right < 1_000 or done.returncode != 1 or again.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
