"""What labelling tools export, as rows of labelled data.

Each tool's own shape is read in a module of its own (`exchange_label_studio`, `exchange_doccano`, `exchange_prodigy`) into
`Answer`s: what one person said of one paragraph. Here the answers on a paragraph are settled into one row.

A name that stands alone, as doccano and Prodigy have them, is a kind if it is `content` or `boilerplate`, a stance if other
rows of the same run or the codebook use it as one, else a topic; `topic:NAME`, `stance:NAME` and `kind:NAME` say it outright.
Spans named `target` (or by the row's target) become `target_mentions`.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from parastance.predict.errors import InputError
from parastance.predict.inputs import Row

Note = Callable[[str], None]
Numbered = tuple[int, Row | InputError]
KINDS = ("content", "boilerplate")
STANCES = ("supportive", "opposed", "neutral")
HEADS = {"topic": "topics", "topics": "topics", "stance": "stance", "kind": "kind"}
MENTIONS = ("target", "targets", "mention", "mentions", "target_mention", "target_mentions")
OWN_ID = "paragraph_id"  # tools number their tasks themselves: under this name our id comes back


@dataclass(frozen=True)
class Span:
    """A marked stretch of the text, in characters, and the name it was given."""

    start: int
    end: int
    name: str


@dataclass
class Answer:
    """What one person said of one paragraph.

    row: its number in the file; item: text and the columns that are not the tool's; names: (head or "", name) of the labels
    given; denied: names that were put to the person and refused; asked: heads that were asked and maybe answered with
    nothing; final: whether it outranks the others' answers; whole: False where a person was asked about single names only.
    """

    row: int
    item: Row
    names: list[tuple[str, str]] = field(default_factory=list)
    denied: list[tuple[str, str]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    final: bool = False
    whole: bool = True


@dataclass
class Export:
    """A tool's file read: answers in order, rows that are broken, and how many items nobody has answered."""

    tool: str
    answers: list[Answer] = field(default_factory=list)
    broken: list[tuple[int, InputError]] = field(default_factory=list)
    unread: int = 0


MISSHAPEN = (ValueError, TypeError, AttributeError, KeyError)  # what reading a row of another shape raises


def read_export(tool: str, rows: Iterable[Numbered], take: Callable[[Export, int, Row], None]) -> Export:
    """Return a tool's file read: `take` adds what one row says to the export, or raises one of MISSHAPEN, which notes it broken."""
    export = Export(tool)
    for number, row in rows:
        if isinstance(row, InputError):
            export.broken.append((number, row))
            continue
        try:
            take(export, number, row)
        except MISSHAPEN as error:
            reason = str(error) if type(error) is ValueError else f"not in the shape that {tool} exports"
            export.broken.append((number, InputError("", reason, number, row)))
    return export


def tell(text: str) -> None:
    """Say on standard error what a reader of labelled data noticed."""
    print(f"parastance: {text}", file=sys.stderr)


def ignore(text: str) -> None:
    """Say nothing."""


def head_of(name: str, stances: Collection[str]) -> tuple[str, str]:
    """Return (head, bare name) of a name that stands alone."""
    lead, mark, rest = name.partition(":")
    head = HEADS.get(lead.strip().lower())
    if mark and head and rest.strip():
        return head, rest.strip()
    if name in KINDS:
        return "kind", name
    return ("stance" if name in stances else "topics"), name


def settled(export: Export, place: str, stances: Collection[str], note: Note) -> Iterator[Numbered]:
    """Yield (row number, labelled row) of a tool's export, one a paragraph, in the order of first answers.

    Where several people read a paragraph, a ground truth goes before all, then each label is given that more than half
    of them gave; what they halve over is left unlabelled and named in the row's `disputed`.
    """
    for answer in export.answers:
        outright = [span for span in answer.spans if head_of(span.name, ())[1] != span.name]  # a span named topic:NAME
        answer.spans = [span for span in answer.spans if span not in outright]
        answer.names += [head_of(span.name, ()) for span in outright]
        answer.names = [(head, name) if head else head_of(name, stances) for head, name in answer.names]
        answer.denied = [(head, name) if head else head_of(name, stances) for head, name in answer.denied]
    heads = {head for answer in export.answers for head, _ in answer.names + answer.denied}
    heads |= {head for answer in export.answers for head in answer.asked}
    names = {name for answer in export.answers for head, name in answer.names + answer.denied if head == "topics"}
    items: dict[tuple[str, ...], list[Answer]] = defaultdict(list)
    for answer in export.answers:
        items[_key(answer)].append(answer)
    rows: list[Numbered] = list(export.broken)
    strange: Counter[str] = Counter()
    disputed = partial = 0
    for answers in items.values():
        number = answers[0].row
        try:
            row = _settle(answers, heads, names, strange)
        except ValueError as error:
            rows.append((number, InputError(place, str(error), number)))
            continue
        disputed += bool(row.get("disputed"))
        partial += "topics" in heads and row["topics"] is None and "topics" not in row.get("disputed", ())
        rows.append((number, row))
    for count, what in (
        (export.unread, "without an answer, left out"),
        (disputed, "on which people disagree evenly, those labels left open"),
        (partial, "asked about some topics only, their topics left open"),
    ):
        if count:
            note(f"{place}: paragraphs {what}: {count:,}")
    if strange:
        listed = ", ".join(f"{name} ({count:,})" for name, count in strange.most_common(5))
        note(f"{place}: spans that mark no target left out: {listed}; name them target, or topic:NAME")
    yield from sorted(rows, key=lambda pair: pair[0])


def _key(answer: Answer) -> tuple[str, ...]:
    identity = answer.item.get("id")
    return (str(identity),) if identity is not None else (str(answer.item.get("text")), str(answer.item.get("target") or ""))


def _settle(answers: Sequence[Answer], heads: Collection[str], names: Collection[str], strange: Counter[str]) -> Row:
    """Return the row that the answers on one paragraph come to. Raises ValueError where one person gave two stances or kinds."""
    answers = [answer for answer in answers if answer.final] or list(answers)
    row: Row = {key: value for answer in reversed(answers) for key, value in answer.item.items()}
    disputed: list[str] = []
    if "topics" in heads:
        row["topics"] = _topics(answers, names, disputed)
    for head in ("stance", "kind"):
        given = [sorted({name for at, name in answer.names if at == head}) for answer in answers]
        for names_given in given:
            if len(names_given) > 1:
                raise ValueError(f"two answers to {head}: {', '.join(names_given)}")
        chosen = [names_given[0] for names_given in given if names_given]
        name, votes = Counter(chosen).most_common(1)[0] if chosen else ("", 0)
        if 2 * votes > len(chosen):
            row[head] = name
        elif chosen:
            disputed.append(head)
    mentions = _mentions(answers, str(row.get("target") or "target"), strange)
    if mentions:
        row["target_mentions"] = mentions
    if disputed:
        row["disputed"] = disputed
    return row


def _topics(answers: Sequence[Answer], names: Collection[str], disputed: list[str]) -> list[str] | None:
    """Return the topics that more than half of those asked gave; None where the answers don't cover or settle all topics."""
    yes: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for answer in answers:
        given = {name for head, name in answer.names if head == "topics"}
        yes.update(given)
        denied = {name for head, name in answer.denied if head == "topics"}
        asked.update(given | denied | (set(names) if answer.whole else set()))
    if any(not asked[name] for name in names):
        return None
    halved = sorted(name for name in asked if 2 * yes[name] == asked[name])
    if halved:
        disputed.append("topics")
        return None
    return sorted(name for name in asked if 2 * yes[name] > asked[name] and name != "none")


def _mentions(answers: Sequence[Answer], target: str, strange: Counter[str]) -> list[list[int]]:
    """Return the spans that mark the target, [start, end] in order, where more than half of the people marked them."""
    votes: Counter[tuple[int, int]] = Counter()
    for answer in answers:
        mine = {span for span in answer.spans if span.name.strip().lower() in MENTIONS or span.name == target}
        votes.update({(span.start, span.end) for span in mine})
        strange.update(span.name for span in answer.spans if span not in mine)
    readers = sum(1 for answer in answers if answer.whole or answer.spans) or 1
    return [list(span) for span, count in sorted(votes.items()) if 2 * count > readers]


def columns_along(row: Row) -> Row:
    """Return the columns of a queue's row that go through a tool and come back: not what is to be filled in or was predicted."""
    apart = ("id", "text", *HEADS.values())
    return {k: v for k, v in row.items() if v is not None and k not in apart and not k.startswith("predicted_")}


def own_columns(row: Row, drop: Collection[str]) -> Row:
    """Return a tool's row without the tool's columns, with our id under `id` where it is ours.

    A number as id is the tool's own and says nothing outside of it.
    """
    kept = {key: value for key, value in row.items() if key not in drop and not key.startswith("_")}
    given = kept.pop(OWN_ID, None)
    if given in (None, ""):
        given = row.get("id")
        if not isinstance(given, str) or given.isdecimal():
            given = None
    kept.pop("id", None)
    if given not in (None, ""):
        kept["id"] = given
    return kept
