"""Sources to units: documents split into paragraphs, rows of tables checked, each with what its record will say."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from parastance.predict.decode import GUESSED, Decoded, NotText, decode
from parastance.predict.errors import InputError
from parastance.predict.html import NoArticle, article_paragraphs
from parastance.predict.inputs import TABLES, Row, Source, read_bytes
from parastance.predict.model import Unit
from parastance.predict.paragraphs import split_paragraphs
from parastance.predict.recognise import recognised
from parastance.predict.records import Origin, Types
from parastance.predict.rejects import REJECT_FIELDS, REJECTS, mended
from parastance.predict.rows import column_types, read_rows
from parastance.predict.shape import Place

LONGEST = 1_000_000  # characters of a paragraph; what is longer is no paragraph


@dataclass(frozen=True)
class Reading:
    """How inputs are to be read: which columns hold text and id, whether a row is a paragraph or a document, and a
    target that overrides the rows' own."""

    text_field: str = "text"
    id_field: str = "id"
    documents: bool = False
    target: str | None = None


def read_units(source: Source, reading: Reading) -> Iterator[tuple[Unit, Origin] | InputError]:
    """Yield the units of one source in order, bad rows as errors in their place; a bad source is one error."""
    try:
        source = recognised(source, reading.text_field)
        if source.format in TABLES:
            yield from _table(source, source.format, reading)
        else:
            yield from _document(source, source.format, reading)
    except InputError as error:
        yield error


def _document(source: Source, form: str, reading: Reading) -> Iterator[tuple[Unit, Origin] | InputError]:
    data = read_bytes(source)
    if not data.strip():
        raise InputError(source.name, "the file is empty")
    try:
        decoded = decode(data)
        text, spans = paragraphs_of(decoded.text, form)
    except (NotText, NoArticle) as error:
        raise InputError(source.name, str(error)) from None
    if not spans:
        raise InputError(source.name, "no paragraph in it: not one line has a letter or digit")
    yield from _paragraphs(source.name, decoded, text, spans, reading.target, {}, source.name)


def paragraphs_of(text: str, form: str) -> tuple[str, list[tuple[int, int]]]:
    """Return (document, paragraph slices of it); of HTML the document is the article's text, blank lines between."""
    if form == ".txt":
        return text, [(span.start, span.end) for span in split_paragraphs(text)]
    found = article_paragraphs(text)
    spans, at = [], 0
    for paragraph in found:
        spans.append((at, at + len(paragraph)))
        at += len(paragraph) + 2
    return "\n\n".join(found), spans


def _paragraphs(
    name: str, decoded: Decoded, text: str, spans: list[tuple[int, int]], target: str | None, extra: Row,
    place: str, row: int | None = None, types: Types = None,
) -> Iterator[tuple[Unit, Origin] | InputError]:  # fmt: skip
    if decoded.guessed:
        extra = {**extra, GUESSED: decoded.guessed}
    for index, (start, end) in enumerate(spans, 1):
        if end - start > LONGEST:
            reason = f"paragraph {index} has {end - start:,} characters, longer than {LONGEST:,}: is it text?"
            yield InputError(place, reason, row)
            continue
        lead = {"id": f"{name}#{index}", "doc": name, "paragraph": index, "start": start, "end": end}
        yield Unit(text[start:end], target, None, Place(index, len(spans))), Origin(lead, extra, place, row, types)


def _table(source: Source, form: str, reading: Reading) -> Iterator[tuple[Unit, Origin] | InputError]:
    seen_rows = source.slice is not None or form == ".parquet"  # its footer says that it is whole: Spark writes such files
    types = column_types(source) if form == ".parquet" else None
    rejects = source.name.endswith(REJECTS)
    for number, row in read_rows(source, form):
        seen_rows = True
        if isinstance(row, InputError):
            yield row
            continue
        if form != ".jsonl" and number == 1 and reading.text_field not in row:
            raise InputError(
                source.name, f"no column `{reading.text_field}`; there are {', '.join(row)}: name one with --text-field"
            )
        if rejects and set(REJECT_FIELDS) <= set(row):
            yield from _again(source, row, reading)
            continue
        yield from row_units(source, number, row, reading, types)
    if not seen_rows:
        raise no_rows(source)


def no_rows(source: Source) -> InputError:
    """Return what is wrong with a table without rows."""
    return InputError(source.name, "the file holds no rows")


def row_units(
    source: Source, number: int, row: Row, reading: Reading, types: Types = None
) -> Iterator[tuple[Unit, Origin] | InputError]:
    """Yield the units of a table's row, or what is wrong with it."""
    try:
        yield from _row(source, number, row, reading, types)
    except ValueError as error:
        yield InputError(source.name, str(error), number, row)


def _again(source: Source, reject: Row, reading: Reading) -> Iterator[tuple[Unit, Origin] | InputError]:
    """Yield the units of a mended row of a rejects file, named as they would have been where it comes from."""
    place = str(reject["file"])
    number = reject["row"] if isinstance(reject["row"], int) else None
    try:
        yield from _row(replace(source, name=place), number or 0, mended(reject), reading)
    except (ValueError, csv.Error) as error:
        yield InputError(place, str(error), number, reject["raw"], reject.get("columns"), reject.get("delimiter"))


def _row(
    source: Source, number: int, row: Row, reading: Reading, types: Types = None
) -> Iterator[tuple[Unit, Origin] | InputError]:
    text = checked_text(row, reading.text_field)
    given = row.get(reading.id_field)
    if given is not None and (isinstance(given, bool) or not isinstance(given, (str, int))):
        raise ValueError(f"`{reading.id_field}` must be a string, it is {type(given).__name__}")
    identity = f"{source.name}#{number}" if given is None or given == "" else str(given)
    extra = {key: value for key, value in row.items() if key not in (reading.text_field, reading.id_field)}
    own_target = row.get("target")
    if own_target is not None and not isinstance(own_target, str):
        raise ValueError(f"`target` must be a string, it is {type(own_target).__name__}")
    target = reading.target or own_target or None
    if reading.documents:
        yield from _paragraphs(identity, Decoded(text), *paragraphs_of(text, ".txt"), target, extra, source.name, number, types)
        return
    if len(text) > LONGEST:
        raise ValueError(f"a text of {len(text):,} characters, longer than {LONGEST:,}: use --unit document")
    mentions = checked_mentions(row, text)
    if target != own_target and own_target:
        mentions = None  # they are another target's
    yield Unit(text, target, mentions), Origin({"id": identity}, extra, source.name, number, types)


HALF_PAIR = re.compile("[\ud800-\udfff]")


def checked_text(row: Row, field: str) -> str:
    """Return the row's text. Raises ValueError that says what is wrong with it."""
    text = row.get(field)
    if text is None:
        raise ValueError(f"no `{field}`")
    if not isinstance(text, str):
        raise ValueError(f"`{field}` must be a string, it is {type(text).__name__}")
    if not any(map(str.isalpha, text)):
        raise ValueError(f"`{field}` has no letter in it" if text.strip() else f"`{field}` is empty")
    if not text.isascii() and HALF_PAIR.search(text):
        raise ValueError(f"`{field}` holds half a surrogate pair: it was cut or mis-encoded")
    if "\x00" in text:
        raise ValueError(f"`{field}` holds a NUL character")
    return text


def checked_mentions(row: Row, text: str) -> tuple[tuple[int, int], ...] | None:
    """Return the offsets in `target_mentions`, None where the row gives none. Raises ValueError where they are wrong."""
    given = row.get("target_mentions")
    if given is None or given == "":
        return None
    if not isinstance(given, (list, tuple)):
        raise ValueError("`target_mentions` must be a list of [start, end]")
    mentions = []
    for pair in given:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(type(at) is int for at in pair):
            raise ValueError("`target_mentions` must be a list of [start, end]")
        if not 0 <= pair[0] < pair[1] <= len(text):
            raise ValueError(f"`target_mentions` {list(pair)} lies outside the text of {len(text)} characters")
        mentions.append((pair[0], pair[1]))
    return tuple(mentions)

