"""A comparison of two runs as a text for people and as JSON."""

import json
import textwrap
from typing import Any

from parastance.train.drift import SURE, Change, Drift, Driver
from parastance.train.width import cells, shorten

TITLES = {
    "share": "label shares (of content records; kinds: of all)", "scores": "score distributions (mean probability; KS distance)",
    "abstained": "records with an abstention", "unknown_terms": "unknown terms (share of words the model has no weight for)",
    "vocabulary": "vocabulary (Jensen-Shannon divergence, bits)",
}  # fmt: skip


def to_json(drift: Drift) -> str:
    """Return one JSON object with every figure."""
    whole = {
        "old": _run(drift.old),
        "new": _run(drift.new),
        "documents_in_both": drift.shared,
        "permutations": drift.draws,
        "changed": drift.changed,
        "changes": [{**{k: _rounded(v) for k, v in vars(change).items()}, "changed": change.changed} for change in drift.changes],
        "terms": {"risen": [_term(term) for term in drift.risen], "fallen": [_term(term) for term in drift.fallen]},
        "drivers": [
            {
                "head": driver.head,
                "label": driver.label,
                "difference": _rounded(driver.difference),
                "terms": [_term(term) for term in driver.terms],
                "sources": {
                    name: [{k: _rounded(v) for k, v in row.items()} for row in rows] for name, rows in driver.sources.items()
                },
            }
            for driver in drift.drivers
        ],
        "notes": drift.notes,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _run(summary: Any) -> dict[str, Any]:
    return {"records": summary.records, "documents": round(summary.documents.documents()), "texts": summary.texts}


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _term(term: tuple[str, float, float, int, int]) -> dict[str, Any]:
    name, z, q, old, new = term
    return {"term": name, "z": round(z, 3), "q": round(q, 6), "old_documents": old, "new_documents": new}


def to_text(drift: Drift, width: int) -> str:
    """Return what changed, table by table, then what drives it."""
    lines = [
        f"old: {drift.old.records:,} records in {round(drift.old.documents.documents()):,} documents; "
        f"new: {drift.new.records:,} in {round(drift.new.documents.documents()):,}"
        + (f"; {drift.shared:,} documents are in both" if drift.shared else "")
    ]
    changed = [change for change in drift.changes if change.changed]
    verdict = f"{len(changed)} of {len(drift.changes)} comparisons" if changed else "nothing"
    lines += textwrap.wrap(
        f"{verdict} changed beyond chance (p below {SURE}, corrected by Holm for {len(drift.changes)} tests; {drift.draws:,} "
        "permutations of whole documents). * marks a change.",
        width,
    )
    for kind, title in TITLES.items():
        found = [change for change in drift.changes if change.kind == kind]
        if found:
            lines += ["", title, *(_change(change) for change in found)]
    for title, terms in (("terms that rose", drift.risen), ("terms that fell", drift.fallen)):
        if terms:
            lines += ["", *_listed(f"{title}: ", terms, width)]
    for driver in drift.drivers:
        lines += ["", *_driver(driver, width)]
    if drift.notes:
        lines += ["", *(part for note in drift.notes for part in textwrap.wrap(note[:1].upper() + note[1:] + ".", width))]
    return "\n".join(lines) + "\n"


def _change(change: Change) -> str:
    name = shorten(f"{change.label} ({change.head})" if change.label else change.kind.replace("_", " "), 30)
    name += " " * (30 - cells(name))
    mark = "*" if change.changed else " "
    chance = f"p {change.adjusted:.3f}" if change.adjusted >= 0.0005 else "p <0.001"
    if change.old is None or change.new is None:
        return f" {mark} {name} {change.difference:>22.4f}{'':>24}{chance:>10}"
    if change.low is None or change.high is None:
        return f" {mark} {name} {change.old:>8.3f} -> {change.new:<8.3f}  {change.difference:>8.3f}{'':>17}{chance:>10}"
    bounds = f"[{100 * change.low:+.1f}, {100 * change.high:+.1f}]"
    moved = f"{100 * change.difference:>+8.1f}"
    return f" {mark} {name} {100 * change.old:>7.1f}% -> {100 * change.new:>6.1f}%{moved}  {bounds:<16}{chance:>10}"


def _listed(head: str, terms: list[tuple[str, float, float, int, int]], width: int) -> list[str]:
    words = ", ".join(f"{name} ({old:,} -> {new:,})" for name, _, _, old, new in terms)
    return textwrap.wrap(head + words, width, subsequent_indent="    ")


def _driver(driver: Driver, width: int) -> list[str]:
    lines = [f"what drives {driver.label} ({driver.head}), {100 * driver.difference:+.1f} points:"]
    if driver.terms:
        lines += _listed("  terms in its paragraphs, by documents: ", driver.terms, width)
    elif driver.head != "kind":
        lines.append("  no term stands out in its paragraphs")
    for name, rows in driver.sources.items():
        lines.append(f"  by {name}: points that came by how much is from a source, and by its own share")
        for row in rows:
            old, new = (f"{100 * row[key]:.1f}%" if row[key] is not None else "-" for key in ("old_share", "new_share"))
            counts = f"{row['old_records']:,} -> {row['new_records']:,} records"
            moved = f"{100 * row['mix']:+.2f} {100 * row['within']:+.2f}"
            source = shorten(str(row["source"]), 28)
            source += " " * (28 - cells(source))
            lines.append(f"    {source} {moved:>14}   {old:>6} -> {new:<6}  {counts}")
    return lines
