"""Shares as a chart: a panel a label, over time where the groups have a time, else a row a group.

Panels, not colours, tell labels and groups apart, so that intervals never lie over each other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from parastance.train.dates import UNITS, position
from parastance.train.share_table import name_of, statement
from parastance.train.shares import Share, Survey
from parastance.train.svg import Drawing, cut, wrapped

MOST_SERIES, MOST_ROWS, ACROSS = 6, 40, 5
COLOURS = {"topics": "#1f5f99", "stance": "#8a3b6f", "kind": "#555555"}
GRID, AXIS, FAINT = "#e4e4e4", "#999999", "#8c8c8c"
WIDTH, HEIGHT, GAP, BETWEEN = 190.0, 104.0, 26.0, 42.0
LEFT, TOP, SMALL = 54.0, 60.0, 10.0
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Box:
    """A panel's place, and the scale of its values from 0 to `most`."""

    x: float
    y: float
    width: float
    height: float
    most: float

    def up(self, value: float) -> float:
        return self.y + self.height * (1 - min(value, self.most) / self.most)

    def along(self, value: float) -> float:
        return self.x + self.width * min(value, self.most) / self.most


def chart(survey: Survey) -> str:
    """Return the survey as the text of an SVG file."""
    time = next((at for at, name in enumerate(survey.by) if name in UNITS and _timed(survey, at)), None)
    drawing = Drawing(0)
    notes: list[str] = []
    bottom = _over_time(drawing, survey, time, notes) if time is not None else _by_group(drawing, survey, notes)
    title = "Share of each label" + (f" by {' and '.join(survey.by)}" if survey.by else "")
    drawing.text((16, 26), cut(title, drawing.width - 32, 16), 16, bold=True, colour="#111111")
    return drawing.svg(_foot(drawing, survey, notes, bottom), title)


def _timed(survey: Survey, at: int) -> bool:
    return any(s.group is not None and position(str(s.group[at]), survey.by[at]) is not None for s in survey.shares)


def _foot(drawing: Drawing, survey: Survey, notes: Sequence[str], bottom: float) -> float:
    """Write the legend and what the intervals cover; return the drawing's height."""
    y = bottom + 30
    drawing.dot((20, y - 4), "#333333")
    drawing.text((30, y), f"share, with its {survey.confidence:.0%} interval" if _any_interval(survey) else "share", 11)
    if survey.audited is not None:
        drawing.dot((230, y - 4), FAINT, hollow=True)
        drawing.text((240, y), "as the classifier counted", 11)
    for line in (*notes, *statement(survey)):
        for part in wrapped(line, drawing.width - 32, SMALL):
            y += 15
            drawing.text((16, y), part, SMALL, colour="#555555")
    return y + 16


def _any_interval(survey: Survey) -> bool:
    return any(share.low is not None for share in survey.shares)


def _columns(survey: Survey) -> list[tuple[str, str]]:
    return list(dict.fromkeys((share.head, share.label) for share in survey.shares))


def _most(shares: Sequence[Share], count: int) -> float:
    """Return the end of a scale that holds all values: at most `count` whole steps."""
    highest = max((value for s in shares for value in (s.share, s.high, s.predicted) if value is not None), default=0.0)
    step = next((step for step in STEPS if highest <= count * step), 0.5)
    return min(1.0, max(1, -int(-highest // step)) * step)


def _ticks(most: float, count: int) -> list[float]:
    step = next((step for step in STEPS if most / step <= count + 1e-9), most)
    return [at * step for at in range(int(most / step + 1e-9) + 1)]


def _percent(value: float, most: float) -> str:
    return f"{100 * value:.{1 if most < 0.02 else 0}f}%"


def _over_time(drawing: Drawing, survey: Survey, time: int, notes: list[str]) -> float:
    unit = survey.by[time]
    timed: dict[tuple[str, str], dict[str, list[tuple[int, str, Share]]]] = {}
    weight: Counter[str] = Counter()
    for share in survey.shares:
        if share.group is None:
            continue
        at = position(str(share.group[time]), unit)
        if at is None:
            continue
        series = " · ".join(name_of(value) for place, value in enumerate(share.group) if place != time)
        weight[series] += share.records
        timed.setdefault((share.head, share.label), {}).setdefault(series, []).append((at, str(share.group[time]), share))
    shown = [name for name, _ in weight.most_common(MOST_SERIES)]
    if len(weight) > len(shown):
        notes.append(f"Shown: the {len(shown)} largest of {len(weight)} groups.")
    every = sorted({(at, name) for rows in timed.values() for points in rows.values() for at, name, _ in points})
    first, span = every[0][0], max(1, every[-1][0] - every[0][0])
    wide = WIDTH if len(shown) > 2 else 330.0 if len(shown) == 2 else 560.0
    drawing.width = max(420.0, LEFT + len(shown) * (wide + GAP) + 10)
    y = TOP if any(shown) else TOP - 24
    for name in shown:
        x = LEFT + shown.index(name) * (wide + GAP)
        drawing.text((x, y), cut(name, wide, 12), 12, bold=True)
    y += 10 if any(shown) else 0
    for (head, label), rows in timed.items():
        points_of = [sorted(rows.get(name, []), key=lambda point: point[0]) for name in shown]
        most = _most([share for points in points_of for _, _, share in points], 4)
        drawing.text((LEFT, y + 14), cut(f"{label} ({head})", drawing.width - LEFT, 11), 11, colour=COLOURS[head], bold=True)
        for at, points in enumerate(points_of):
            box = Box(LEFT + at * (wide + GAP), y + 22, wide, HEIGHT, most)
            _time_panel(drawing, box, at == 0)
            _series(drawing, box, points, first, span, COLOURS[head])
            _time_axis(drawing, box, every, first, span)
        y += 22 + HEIGHT + 26
    return y


def _time_panel(drawing: Drawing, box: Box, labelled: bool) -> None:
    for tick in _ticks(box.most, 4):
        y = box.up(tick)
        drawing.line((box.x, y), (box.x + box.width, y), GRID if tick else AXIS)
        if labelled:
            drawing.text((box.x - 6, y + 3.5), _percent(tick, box.most), SMALL, "end", "#666666")


def _time_axis(drawing: Drawing, box: Box, every: Sequence[tuple[int, str]], first: int, span: int) -> None:
    room = max(2, int(box.width // 72))
    names = dict(every)
    places = sorted(names)
    chosen = places if len(places) <= room else [places[round(i * (len(places) - 1) / (room - 1))] for i in range(room)]
    for place in dict.fromkeys(chosen):
        x = _x(box, place, first, span)
        anchor = "start" if x < box.x + 20 else "end" if x > box.x + box.width - 20 else "middle"
        drawing.line((x, box.y + box.height), (x, box.y + box.height + 4), AXIS)
        drawing.text((x, box.y + box.height + 15), names[place], SMALL, anchor, "#666666")


def _x(box: Box, place: int, first: int, span: int) -> float:
    return box.x + 5 + (box.width - 10) * (place - first) / span


def _series(
    drawing: Drawing, box: Box, points: Sequence[tuple[int, str, Share]], first: int, span: int, colour: str
) -> None:
    """Draw one group's shares: a band and a line through periods that follow each other, a bar for one that stands alone."""
    runs: list[list[tuple[float, Share]]] = []
    last = None
    for at, _, share in points:
        if share.share is None:
            drawing.dot((_x(box, at, first, span), box.up(share.predicted)), FAINT, 2.0, hollow=True)
            continue
        if last is None or at != last + 1:
            runs.append([])
        runs[-1].append((_x(box, at, first, span), share))
        last = at
    dots = len(points) <= box.width / 7
    for run in runs:
        banded = [(x, share.low, share.high) for x, share in run if share.low is not None and share.high is not None]
        if len(run) > 1:
            upper, lower = [(x, box.up(high)) for x, _, high in banded], [(x, box.up(low)) for x, low, _ in banded]
            drawing.area([*upper, *reversed(lower)], colour, 0.18)
            drawing.path([(x, box.up(share.share or 0.0)) for x, share in run], colour)
        else:
            for x, low, high in banded:
                drawing.line((x, box.up(low)), (x, box.up(high)), colour, 1.5)
        for x, share in run:
            if share.method != "counted":
                drawing.dot((x, box.up(share.predicted)), FAINT, 1.8, hollow=True)
            if dots or len(run) == 1:
                drawing.dot((x, box.up(share.share or 0.0)), colour, 2.2, title=_told(share))


def _told(share: Share) -> str:
    group = ", ".join(name_of(value) for value in share.group or ())
    bounds = f" [{share.low:.3f}, {share.high:.3f}]" if share.low is not None else ""
    return f"{group} {share.label}: {share.share:.3f}{bounds}, {share.records:,} records"


def _by_group(drawing: Drawing, survey: Survey, notes: list[str]) -> float:
    columns = _columns(survey)
    sizes: Counter[tuple[object, ...] | None] = Counter()
    for share in survey.shares:
        sizes[share.group] = max(sizes[share.group], share.records)
    kept = {group for group, _ in sizes.most_common(MOST_ROWS + 1)} | {None}
    groups = [group for group in dict.fromkeys(share.group for share in survey.shares) if group in kept]
    if len(groups) < len(sizes):
        notes.append(f"Shown: the {len(groups) - 1} largest of {len(sizes) - 1} groups.")
    names = ["all records" if group is None else " · ".join(name_of(value) for value in group) for group in groups]
    margin = 200.0 if survey.by else 110.0
    wide, step = 140.0, 20.0
    across = min(ACROSS, len(columns))
    drawing.width = max(420.0, margin + across * (wide + BETWEEN) + 10)
    cells = {(share.group, share.head, share.label): share for share in survey.shares}
    y = TOP
    for start in range(0, len(columns), across):
        height = step * len(groups)
        for at, name in enumerate(names):
            middle = y + 26 + step * (at + 0.5)
            drawing.text((margin - 12, middle + 4), cut(name, margin - 24, 11), 11, "end", bold=groups[at] is None)
        for at, (head, label) in enumerate(columns[start : start + across]):
            shares = [cells[group, head, label] for group in groups]
            box = Box(margin + at * (wide + BETWEEN), y + 26, wide, height, _most(shares, 3))
            drawing.text((box.x, y + 3), cut(label, wide, 11), 11, colour=COLOURS[head], bold=True)
            drawing.text((box.x, y + 16), head, SMALL, colour="#777777")
            _rows(drawing, box, shares, step, COLOURS[head])
        y += 26 + height + 50
    return y - 20


def _rows(drawing: Drawing, box: Box, shares: Sequence[Share], step: float, colour: str) -> None:
    for tick in _ticks(box.most, 3):
        x = box.along(tick)
        drawing.line((x, box.y), (x, box.y + box.height), GRID if tick else AXIS)
        drawing.text((x, box.y + box.height + 14), _percent(tick, box.most), SMALL, "middle", "#666666")
    for at, share in enumerate(shares):
        y = box.y + step * (at + 0.5)
        if share.method != "counted":
            drawing.dot((box.along(share.predicted), y), FAINT, 2.4, hollow=True)
        if share.share is None:
            continue
        if share.low is not None and share.high is not None:
            drawing.line((box.along(share.low), y), (box.along(share.high), y), colour, 1.8)
        drawing.dot((box.along(share.share), y), colour, title=_told(share))
