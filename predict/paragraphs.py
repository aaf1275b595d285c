"""A plain-text document into paragraphs with exact offsets.

Text from the wild comes in three shapes: one line a paragraph; blank lines between paragraphs; lines wrapped at some
width, with or without blank lines or indents. In the first two every non-empty line is a paragraph; only in the third
are lines joined. Nothing is rewritten: a paragraph is a slice of the document, line breaks included.

Does not judge whether a paragraph is news or page furniture (that is the model's `kind`), nor read HTML (see `html`).
"""

import re
from dataclasses import dataclass
from itertools import pairwise

# Every line end that text editors write; form feed and the Unicode separators end a line too.
LINE = re.compile(r"[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_END = r"(?:\r\n|\r(?!\n)|[\n\u2028\x85])"
BLANK_LINE = re.compile(_END + r"[ \t\xa0\u200b\ufeff]*" + _END + r"|[\v\f\x1c-\x1e\u2029]")
MARKER = re.compile(r"(?:[-–—*•·▪◦‣»>]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|[ivxIVX]{1,5}[.)])\s+\S")
CELLS = re.compile(r"\S(?:\t| {3,}|\s*\|\s*)\S")
ADDRESS = re.compile(r"@|^www\.|^https?:")
EDGES = " \t\xa0\u200b\ufeff\u3000"
SENTENCE_END = ".!?…:;\"'”’»)]।؟。"
MIN_WIDTH, MAX_WIDTH = 25, 180  # columns: nobody wraps prose narrower than a newspaper column or wider than a screen


@dataclass(frozen=True)
class Span:
    """A slice of the document: `start` and `end` count characters, `document[start:end]` has no blank edges."""

    start: int
    end: int


@dataclass(frozen=True)
class _Line:
    start: int  # of the first visible character
    end: int
    indent: int
    text: str
    after_blank: bool


def split_paragraphs(document: str) -> list[Span]:
    """Return the paragraphs of `document` in order, as non-overlapping slices that hold every letter of it.

    A line without a letter or digit (a rule of dashes, say) is no paragraph.
    """
    spans: list[Span] = []
    for run in _runs(_lines(document)):
        width = _wrap_width(run)
        indented = _first_lines_indented(run)
        first = run[0]
        for line, following in zip(run, [*run[1:], None], strict=True):
            if following is None or width is None or _breaks(line, following, width, first, indented):
                spans.append(Span(first.start, line.end))
                if following is not None:
                    first = following
    return [span for span in spans if any(map(str.isalnum, document[span.start : span.end]))]


def _lines(document: str) -> list[_Line]:
    lines: list[_Line] = []
    last_end = 0
    for match in LINE.finditer(document):
        raw = match.group()
        text = raw.strip(EDGES)
        if not text:
            continue
        indent = len(raw) - len(raw.lstrip(EDGES))
        start = match.start() + indent
        blank = BLANK_LINE.search(document, last_end, match.start()) is not None
        lines.append(_Line(start, start + len(text), indent + raw[:indent].count("\t") * 3, text, blank or not lines))
        last_end = start + len(text)
    return lines


def _runs(lines: list[_Line]) -> list[list[_Line]]:
    """Group the lines that are judged together.

    Where blocks of several lines stand between blank lines, wrapped and unwrapped blocks may be mixed on one page (a
    wrapped agency text between one-line site furniture), but the width is common to the wrapped ones: blocks are
    judged as one run if that run is wrapped, else each block by itself.
    """
    blocks: list[list[_Line]] = []
    for line in lines:
        if line.after_blank:
            blocks.append([])
        blocks[-1].append(line)
    whole = [line for block in blocks if len(block) > 1 for line in block]
    if len(whole) > 3 and _wrap_width(whole) is not None:
        width = _wrap_width(whole)
        if width is not None and all(len(line.text) <= width * 1.3 for line in whole):
            return _merge(blocks)
    return blocks


def _merge(blocks: list[list[_Line]]) -> list[list[_Line]]:
    """Put neighbouring blocks of several lines into one run; one-line blocks stay alone and never join."""
    runs: list[list[_Line]] = []
    open_run = False
    for block in blocks:
        if len(block) > 1 and open_run:
            runs[-1].extend(block)
        else:
            runs.append(list(block))
        open_run = len(block) > 1
    return runs


def _wrap_width(run: list[_Line]) -> int | None:
    """Return the width in columns at which the run's lines were wrapped, None where they were not.

    Evidence is counted over neighbouring lines of one block. A line is full if the next line's first word would not
    have fitted; it runs on if the next line starts in lower case, or the line ends without a mark that ends a
    sentence. Wrapped text is nearly all full lines that run on; lists, verse, tables and headlines are not.
    """
    pairs = [(a, b) for a, b in pairwise(run) if not b.after_blank]
    if not pairs or any(CELLS.search(line.text) for line in run[:3]) and sum(
        bool(CELLS.search(line.text)) for line in run
    ) * 2 > len(run):
        return None
    inner = sorted(len(a.text) + a.indent for a, _ in pairs)
    width = max(inner[-1], *(len(b.text) + b.indent for _, b in pairs))
    if width > MAX_WIDTH or inner[-1] < MIN_WIDTH:
        return None
    prose = [(a, b) for a, b in pairs if not MARKER.match(b.text) and (b.indent <= a.indent + 1 or MARKER.match(a.text))]
    if not prose:
        return None
    full = sum(_is_full(a, b, width) for a, b in prose)
    flows = [(a, b) for a, b in prose if _is_full(a, b, width * 0.8)]
    runs_on = sum(_runs_on(a, b) for a, b in flows)
    lower = sum(b.text[0].islower() and not ADDRESS.search(b.text.split(None, 1)[0]) for _, b in flows)
    caseless = not any(c.islower() or c.isupper() for line in run for c in line.text[:40])
    if runs_on < 1 or (lower == 0 and not caseless and not _in_capitals(run)):
        return None
    ends = sum(not _runs_on(a, b) for a, b in prose)  # last lines of paragraphs are short for a good reason
    wrapped = full >= 0.75 * (len(prose) - ends) if len(prose) > ends else False
    return width if wrapped and runs_on >= 0.45 * len(flows) else None


def _first_lines_indented(run: list[_Line]) -> bool:
    """Whether the run marks its paragraphs by indenting their first lines, as books and old agencies do."""
    base = min(line.indent for line in run)
    first = [line.indent > base + 1 for line in run]
    steps = sum(b and not a for a, b in pairwise(first))
    listed = sum(bool(MARKER.match(line.text)) for line in run)
    return first[0] and steps >= 1 and 2 * listed < sum(first)


def _is_full(line: _Line, following: _Line, width: float) -> bool:
    word = following.text.split(None, 1)[0]
    return line.indent + len(line.text) + 1 + len(word) > width * 0.97


def _runs_on(line: _Line, following: _Line) -> bool:
    if ADDRESS.search(following.text.split(None, 1)[0]):
        return False
    head = following.text.lstrip("\"'“‘«([")[:1]
    return head.islower() or line.text[-1] not in SENTENCE_END


def _in_capitals(run: list[_Line]) -> bool:
    letters = [c for line in run for c in line.text if c.isalpha()]
    return bool(letters) and not any(c.islower() for c in letters)


def _breaks(line: _Line, following: _Line, width: int, first: _Line, indented: bool) -> bool:
    """Whether a paragraph of wrapped text ends with `line`; `first` is the paragraph's first line."""
    if following.after_blank:
        return True
    if indented and first.indent > line.indent + 1 or indented and line is first:
        return following.indent + 1 >= first.indent
    if MARKER.match(following.text) and following.indent <= max(first.indent, line.indent):
        return not (_is_full(line, following, width) and following.text[0] in "-–—" and _runs_on(line, following))
    hanging = MARKER.match(first.text) is not None
    if following.indent > line.indent + 1 and not (hanging and line is first):
        return True
    if hanging and following.indent < first.indent + 1 and line.indent > first.indent:
        return True
    room = width - line.indent - len(line.text) - 1 - len(following.text.split(None, 1)[0])
    if following.text[0].islower():
        return room > 0.5 * width and line.text[-1] in ".!?"
    if line.text[-1] in SENTENCE_END:
        return room > 0
    return room > 0.25 * width
