"""A queue to the file that people label in: JSON Lines, CSV or TSV to fill in, Label Studio tasks, doccano rows.

The fields to fill in (`topics`, `stance`, `kind`) are empty; what the model says stands beside, but not on audited rows: who
sees an answer agrees with it too often for an audit to be one.
"""

import json
import shutil
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from parastance.predict.errors import UsageError
from parastance.predict.heads import Head
from parastance.predict.inputs import Row
from parastance.predict.output_file import OutputFile
from parastance.predict.storage import write_text
from parastance.train import exchange_doccano, exchange_label_studio
from parastance.train.drawn import AUDIT
from parastance.train.formats import ANSWERS, QUEUE
from parastance.train.queue import CONTENT, Survey
from parastance.train.queue_pick import Pick
from parastance.train.results import PROBABILITIES

FORMATS = ("table", "label-studio", "doccano")
LABEL_STUDIO, DOCCANO = FORMATS[1:]
# What `predict` adds to a record; other columns are the user's own and go along.
OURS = (
    "id", "text", "start", "end", "kind", "topics", "topic_probabilities", "stance", "stance_probabilities", "target",
    "target_mentioned", "abstained", "model", "evidence", "group",
)  # fmt: skip


def rows_of(picks: Sequence[Pick], heads: Mapping[str, Head]) -> list[Row]:
    """Return the rows of a queue, all with the same columns."""
    extra = list(dict.fromkeys(key for chosen in picks for key in chosen.record if key not in OURS))
    return [_row(chosen, heads, extra) for chosen in picks]


def _row(chosen: Pick, heads: Mapping[str, Head], extra: Sequence[str]) -> Row:
    record = chosen.record
    blind = chosen.why == AUDIT
    group = record.get("group") or record.get("doc") or None
    return {
        "id": str(record.get("id")), "text": record["text"], "target": record.get("target"), "topics": None, "stance": None,
        "kind": None, QUEUE: chosen.why, "reason": reason(chosen, heads), "sampling_probability": chosen.chance,
        **{f"predicted_{name}": None if blind else record.get(name) for name in ANSWERS},
        "model": record.get("model"), "group": group, **{key: record.get(key) for key in extra},
    }  # fmt: skip


def reason(chosen: Pick, heads: Mapping[str, Head]) -> str:
    """Return why a record was chosen, in words."""
    if chosen.question is None or chosen.margin is None:
        return f"drawn at random, 1 in {1 / chosen.chance:,.0f}" if chosen.chance else "drawn at random"
    name, label = chosen.question
    head, p = heads[name], chosen.record[PROBABILITIES[name]]
    if not head.exclusive:
        return f"{label} {p[label]:.2f}, decided at {head.cut[head.labels.index(label)]:.2f}"
    best = sorted(p, key=lambda other: -p[other])[:2]
    pair = [label, *(other for other in best if other != label)][:2]
    return f"{name}: " + " or ".join(f"{other} {p[other]:.2f}" for other in pair)


def write_queue(picks: Sequence[Pick], heads: Mapping[str, Head], path: str, form: str) -> list[str]:
    """Write the queue and what its tool needs beside it; return the paths written. Raises OutputError where that fails."""
    rows = rows_of(picks, heads)
    labels = {name: list(head.labels) for name, head in heads.items()}
    if form == LABEL_STUDIO:
        tasks = [
            exchange_label_studio.task(row, {} if chosen.why == AUDIT else {name: chosen.record.get(name) for name in labels})
            for chosen, row in zip(picks, rows, strict=True)
        ]
        beside = str(Path(path).with_suffix(".config.xml"))
        write_text(path, json.dumps(tasks, ensure_ascii=False, indent=1) + "\n")
        write_text(beside, exchange_label_studio.config(labels, "stance" in labels))
        return [path, beside]
    if form == DOCCANO:
        rows = [exchange_doccano.row_to_label(row) for row in rows]
    with OutputFile(path) as writer:
        writer.write(rows)
    if form != DOCCANO:
        return [path]
    beside = str(Path(path).with_suffix(".labels.json"))
    write_text(beside, json.dumps(exchange_doccano.label_config(labels), ensure_ascii=False, indent=1) + "\n")
    return [path, beside]


def format_for(path: str | None, asked: str | None) -> str:
    """Return the form that an output is to have. Raises UsageError where the name's ending is not that of the form."""
    ending = Path(path).suffix.lower() if path else ""
    form = asked or (LABEL_STUDIO if ending == ".json" else FORMATS[0])
    wanted = {LABEL_STUDIO: (".json",), DOCCANO: (".jsonl",)}.get(form, (".jsonl", ".csv", ".tsv"))
    if (path or form != FORMATS[0]) and ending not in wanted:
        raise UsageError(f"-o: a {form} queue needs a file that ends in {' or '.join(wanted)}")
    return form


def listing(picks: Sequence[Pick], heads: Mapping[str, Head]) -> str:
    """Return the queue as lines for people: why each paragraph is in it, and how it begins."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    lines = []
    for number, chosen in enumerate(picks, 1):
        text = "".join(char if char.isprintable() else " " for char in chosen.record["text"])
        lines.append(f"{number:>4}  {chosen.record.get('id')}  {chosen.why}: {reason(chosen, heads)}")
        lines.append("      " + textwrap.shorten(text, width - 6, placeholder=" …"))
    return "\n".join(lines)


def summary(found: Survey, picks: Sequence[Pick], wanted: int, written: Sequence[str]) -> str:
    """Return what was chosen from how much, for people."""
    about = Counter(chosen.question[1] for chosen in picks if chosen.question)
    random = sum(chosen.why == AUDIT for chosen in picks)
    lines = [f"parastance: {len(picks):,} of {found.records:,} paragraphs{' in ' + ', '.join(written) if written else ''}"]
    if about:
        listed = ", ".join(f"{name} {count:,}" for name, count in about.most_common())
        lines.append(f"  {len(picks) - random:,} uncertain: {listed}")
    if random:
        kinds = Counter(str(chosen.record.get("kind") or CONTENT) for chosen in picks if chosen.why == AUDIT)
        drawn = ", ".join(f"{kinds[name]:,} of {sample.total:,} {name}" for name, sample in found.samples.items() if sample.total)
        lines.append(f"  {random:,} at random, for audits: {drawn}")
    if found.labelled:
        lines.append(f"  {found.labelled:,} labelled before left out")
    if len(picks) < wanted:
        all_taken = len(picks) == found.records - found.labelled
        why = "there are no more" if all_taken else "the rest is nearly the same or not uncertain"
        lines.append(f"  {wanted - len(picks):,} fewer than asked for: {why}")
    return "\n".join(lines)
