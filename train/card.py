"""The model card: what the model is for, from which data, how good, where weak. Written from figures, nothing by hand.

After Mitchell et al. 2019, "Model cards for model reporting". Markdown that every viewer shows: tables and text plots.
"""

from collections.abc import Sequence
from typing import Any

from parastance.train.certify import shortfall
from parastance.train.reliability import LEGEND, reliability_plot

PURPOSE = """\
Labels paragraphs of English conflict news: topics (any subset), stance toward a named target, page furniture.
Meant for sorting and counting archives by people who check samples of what they publish. Not meant for judging
persons, for languages other than English, or as the only ground of a decision about anybody."""
MAIN = (("macro_f1", "macro-F1"), ("micro_f1", "micro-F1"), ("accuracy", "accuracy"))
SCORES = ("precision", "recall", "f1")
MANY_PLOTS = 12  # labels of a head for which the plot is drawn: the most frequent ones


def write_card(manifest: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the card in Markdown, from a manifest and metrics alone."""
    lines = [f"# Model card: {manifest['sha256'][:8]}", "", "## Intended use", "", PURPOSE, ""]
    lines += _data(manifest, metrics)
    lines += _figures(metrics)
    lines += _held_out(metrics)
    lines += _weak_spots(metrics)
    lines += _certified(metrics)
    lines += _calibration(metrics)
    lines += _compared(metrics)
    lines += ["## Made by", ""]
    lines += [f"- {name} {number}" for name, number in manifest["versions"].items()]
    lines += [f"- seed {manifest['seed']}, data {manifest['data_sha256'][:12]}"]
    lines += [f"- {name}: {_settings(chosen)}" for name, chosen in manifest["chosen"].items()]
    return "\n".join([*lines, ""])


def _settings(chosen: dict[str, Any]) -> str:
    """Return the settings of a head in a line, without those that are off (see `recipe.Recipe`)."""
    told = {key: "+".join(value) if isinstance(value, (list, tuple)) else value for key, value in chosen.items()}
    return ", ".join(key if value is True else f"{key} = {value}" for key, value in told.items() if value is not False)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return a Markdown table; the first `left` columns are text, the others figures."""
    rule = ["---"] * left + ["---:"] * (len(titles) - left)
    return [_cells(titles), _cells(rule), *(_cells(row) for row in rows), ""]


def _cells(row: Sequence[str]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


def _ends(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"


def _data(manifest: dict[str, Any], metrics: dict[str, Any]) -> list[str]:
    data = manifest["data"]
    rows = [
        (f"{title}: {name}", f"{count:,}")
        for title in ("sources", "topics", "stance", "kind", "targets")
        for name, count in data[title].items()
    ]
    return [
        "## Data", "", f"{data['rows']:,} labelled paragraphs in {data['groups']:,} groups.", "", *table(("", "rows"), rows),
        "No fold parts a group: rows of one article, and near-duplicates. Two texts are near-duplicates where their sets of word "
        f"5-grams have a Jaccard similarity above 0.5, compared exactly; {data['near_duplicate_pairs']:,} pairs were found.", "",
    ]  # fmt: skip


def _main(scores: dict[str, Any]) -> str:
    return ", ".join(f"{title} {scores[key]:.3f}{_ends(scores['intervals'][key])}" for key, title in MAIN if key in scores)


def _figures(metrics: dict[str, Any]) -> list[str]:
    how = f"cross-validated over {metrics['folds']} grouped folds"
    if "held" in metrics:
        how = f"on {metrics['held']} of {metrics['folds']} grouped folds, held out: a fast training, not cross-validated"
    if not metrics["folds"]:
        how = "on the rows it was trained on: all are of one group, so nothing was held out and they say nothing of other text"
    lines = [
        f"## Figures, {how}", "",
        "In brackets 95% intervals by bootstrap over groups. Probabilities, cut-offs and certified levels were set on other folds "
        "than the one that they are judged on.", "",
    ]  # fmt: skip
    for name, scores in metrics["cross_validated"].items():
        lines += [f"**{name}**: {_main(scores)}", ""]
        lines += table(
            ("label", "precision", "recall", "F1", "support"),
            [
                (label, *(f"{s[key]:.3f}{_ends(s['intervals'][key])}" for key in SCORES), f"{s['support']:,}")
                for label, s in scores["per_label"].items()
            ],
        )
    return lines


def _held_out(metrics: dict[str, Any]) -> list[str]:
    if not metrics["held_out"]:
        return []
    rows = [
        (
            f"{slicing} ({entry['values']})", name, f"{scores['n']:,}", f"{scores['macro_f1_by_group']:.3f}",
            f"{scores['macro_f1']:.3f}{_ends(scores['intervals']['macro_f1'])}", f"{scores['calibration_error']:.3f}",
            entry["drawn"],
        )
        for slicing, entry in metrics["held_out"].items()
        for name, scores in entry.items()
        if isinstance(scores, dict)
    ]  # fmt: skip
    return [
        "## Held out by outlet, conflict, period and set", "",
        "The same rows twice: held out with their articles only, and held out with all rows of the same value, so that nothing of "
        "that outlet, conflict, run of years or public set was trained on. Only rows that say the field are judged.", "",
        *table(("held out by (values)", "head", "rows", "macro-F1 by group", "held out", "calibration error", "drawn"), rows, 2),
    ]  # fmt: skip


def _weak_spots(metrics: dict[str, Any]) -> list[str]:
    lines = ["## Known weak spots", ""]
    for name, found in metrics["weak_spots"].items():
        overall = metrics["cross_validated"][name]["per_label"]
        chance = ", some by chance, being picked from many" if found["weak"] else ""
        lines += [
            f"**{name}**: {found['looked_at']} pairs of slice and label were looked at, {found['weak'] or 'none'} fall short of "
            f"the label's overall F1 by more than their interval{chance}.", "",
        ]  # fmt: skip
        if found["worst"]:
            lines += table(
                ("slice", "label", "rows", "support", "precision", "recall", "F1", "overall F1"),
                [
                    (
                        f"{spot['by']}: {spot['value']}", spot["label"], f"{spot['rows']:,}", f"{spot['support']:,}",
                        f"{spot['precision']:.3f}", f"{spot['recall']:.3f}", f"{spot['f1']:.3f}{_ends(spot['interval'])}",
                        f"{overall[spot['label']]['f1']:.3f}",
                    )
                    for spot in found["worst"]
                ],
                2,
            )  # fmt: skip
    return lines


def _certified(metrics: dict[str, Any]) -> list[str]:
    wanted = metrics["precision"]
    lines = [
        f"## Certified at precision {wanted:.2f}", "",
        "From the level on, a label that is given is right with at least that precision, at 95% confidence; below it the record "
        "says `abstained`. Exact binomial bounds over a fixed sequence of levels, on rows held out, their number divided by the "
        "design effect of articles; where rows are of several origins (written, real, `audit`: drawn at random from an archive, "
        "with a known chance each), a level must stand in each that has enough; rows queued for being uncertain judge nothing. It "
        "holds for text like the data, and for that archive where `audit` was not too few to test. `evaluate` checks it on yours.",
        "",
    ]  # fmt: skip
    for name, scores in metrics["cross_validated"].items():
        rows: list[tuple[str, ...]] = []
        short: list[str] = []
        for label, s in scores["per_label"].items():
            one = s["certified"]
            if one["level"] is None:
                rows.append((label, "none", "", "", "", "", ""))
                short.append(f"- {label}: {shortfall(one)}.")
                continue
            places = "; ".join(_origin(origin, seen) for origin, seen in one["by_origin"].items())
            rows.append(
                (label, f"{one['level']:.2f}", f"{one['coverage']:.0%}", f"{one['precision']:.3f}", f"{one['bound']:.3f}",
                 f"{one['design_effect']:.2f}", places)
            )  # fmt: skip
        titles = ("label", "level", "of those given", "precision", "bound", "design effect", "precision by origin")
        lines += [f"**{name}**", "", *table(titles, rows), *short, *([""] if short else [])]
    promises = ("label", *(f"{level} (of those given)" for level in next(iter(next(iter(metrics["levels"].values())).values()))))
    others = [
        (label, *("none" if one["level"] is None else f"{one['level']:.2f} ({one['coverage']:.0%})" for one in levels.values()))
        for labels in metrics["levels"].values()
        for label, levels in labels.items()
    ]
    return [*lines, "Levels that other promises would take:", "", *table(promises, others)]


def _origin(name: str, seen: dict[str, Any]) -> str:
    if seen["precision"] is None:
        return f"{name} none of {seen['given']:,}"
    return f"{name} {seen['precision']:.3f} of {seen['rows']:,}{'' if seen['tested'] else ' (too few to test)'}"


def _calibration(metrics: dict[str, Any]) -> list[str]:
    lines = [
        "## Calibration", "",
        "Expected calibration error of each label, out of fold: over ten bins of equal width (Naeini et al. 2015), and over 15 "
        "bins of equally many rows. Drawn errors are larger by chance: the interval lies high.", "",
    ]  # fmt: skip
    for name, scores in metrics["cross_validated"].items():
        rows = [
            (
                f"{name}: {label}", s["calibration"], f"{s['calibration_error']:.4f}{_ends(s['intervals']['calibration_error'])}",
                f"{s['calibration_error_equal_mass']:.4f}",
            )
            for label, s in scores["per_label"].items()
        ]  # fmt: skip
        lines += table(("label", "probabilities by", "equal width", "equal mass"), rows, 2)
    lines += [f"Reliability, a line for each bin of rows: {LEGEND.replace('|', '`|`')}", ""]
    for scores in metrics["cross_validated"].values():
        often = sorted(scores["per_label"].items(), key=lambda item: -item[1]["support"])[:MANY_PLOTS]
        for label, s in sorted(often):
            lines += ["```text", *reliability_plot(label, s["reliability"]), "```", ""]
    return lines


def _compared(metrics: dict[str, Any]) -> list[str]:
    """Return the lines on what the same training gives without the real texts, which are not shipped."""
    compared = metrics.get("on_real_paragraphs")
    if not compared:
        return []
    heads = list(metrics["cross_validated"])
    rows = [(title, *(f"{scores[name]:.3f}" for name in heads)) for title, scores in compared.items()]
    note = (
        "Macro-F1 on the real paragraphs, held out. The real texts are not shipped: without the public files "
        "`parastance train` gives the second, weaker model."
    )
    return ["## With and without the real texts", "", *table(("trained on", *heads), rows), note, ""]
