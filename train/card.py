"""The model card: what the model is for, from which data, how good, where weak. Written from figures, nothing by hand."""

from typing import Any

PURPOSE = """\
Labels paragraphs of English conflict news: topics (any subset), stance toward a named target, page furniture.
Meant for sorting and counting archives by people who check samples of what they publish. Not meant for judging
persons, for languages other than English, or as the only ground of a decision about anybody."""


def write_card(manifest: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the card in Markdown, from a manifest and metrics alone."""
    data = manifest["data"]
    lines = [
        f"# Model card: {manifest['sha256'][:8]}", "", "## Intended use", "", PURPOSE, "", "## Data", "",
        f"{data['rows']:,} labelled paragraphs in {data['groups']:,} groups "
        f"({data['near_duplicate_pairs']} pairs of near-duplicates kept in one fold).", "",
        "| | rows |", "| --- | ---: |",
    ]  # fmt: skip
    for title in ("sources", "topics", "stance", "kind", "targets"):
        lines.extend(f"| {title}: {name} | {count:,} |" for name, count in data[title].items())
    how = f"cross-validated over {metrics['folds']} grouped folds"
    if "held" in metrics:
        how = f"on {metrics['held']} of {metrics['folds']} grouped folds, held out: a fast training, not cross-validated"
    lines += ["", f"## Figures, {how}", ""]
    for name, scores in metrics["cross_validated"].items():
        main = [f"macro-F1 {scores['macro_f1']:.3f}"]
        main += [f"{key.replace('_', '-')} {scores[key]:.3f}" for key in ("micro_f1", "accuracy") if key in scores]
        lines += [f"**{name}**: {', '.join(main)}", ""]
        lines += ["| label | precision | recall | F1 | support | calibration error | certified at 0.90 |"]
        lines += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
        lines += [_row(label, values) for label, values in scores["per_label"].items()]
        lines.append("")
    lines += _more(metrics)
    lines += ["## Made by", ""]
    lines += [f"- {name} {number}" for name, number in manifest["versions"].items()]
    lines += [f"- seed {manifest['seed']}, data {manifest['data_sha256'][:12]}", ""]
    return "\n".join(lines)


def _row(label: str, values: dict[str, Any]) -> str:
    sure = values["certain_precision"]
    level = "no level" if sure is None else f"{values['coverage']:.0%} of those given, precision {sure:.3f}"
    return (
        f"| {label} | {values['precision']:.3f} | {values['recall']:.3f} | {values['f1']:.3f} | {values['support']:,} "
        f"| {values['calibration_error']:.3f} | {level} |"
    )


def _more(metrics: dict[str, Any]) -> list[str]:
    """Return the lines on what the same training gives without the real texts, which are not shipped."""
    compared = metrics.get("on_real_paragraphs")
    if not compared:
        return []
    heads = list(metrics["cross_validated"])
    lines = ["## With and without the real texts", "", "| trained on | " + " | ".join(heads) + " |"]
    lines += ["| --- |" + " ---: |" * len(heads)]
    lines += [f"| {title} | " + " | ".join(f"{scores[name]:.3f}" for name in heads) + " |" for title, scores in compared.items()]
    note = (
        "Macro-F1 on the real paragraphs, held out. The real texts are not shipped: without the public files "
        "`parastance train` gives the second, weaker model."
    )
    return [*lines, "", note, ""]
