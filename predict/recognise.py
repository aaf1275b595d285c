"""What format a source has whose name does not say it: by its first bytes."""

import os
import sys
from dataclasses import replace
from typing import Any

from parastance.predict.errors import InputError
from parastance.predict.inputs import READ_ERRORS, STDIN, Source, open_bytes, read_bytes
from parastance.predict.storage import is_url

HEAD = 4096  # bytes that show a format


def recognised(source: Source, text_field: str) -> Source:
    """Return the source with the format that its first bytes show, where its name shows none.

    A pipe that is not standard input can be read but once: its bytes are held. Raises InputError as `read_bytes`.
    """
    if source.format:
        return source
    if source.path == STDIN and source.held is None:
        return replace(source, format=sniff(stdin_head(), text_field))
    if source.held is None and is_pipe(source.path):
        source = replace(source, held=read_bytes(replace(source, packing="")))
    try:
        with open_bytes(source) as stream:
            head = stream.read(HEAD)
    except READ_ERRORS as error:
        raise InputError(source.name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    form = sniff(head, text_field)
    is_json = source.name.lower().removesuffix(source.packing).endswith(".json")
    if is_json and head.strip() and (form != ".jsonl" or head.split(b"\n")[0].strip() == b"{"):
        raise InputError(source.name, "JSON that is not one object a line; `jq -c '.[]'` makes such lines of a list")
    return replace(source, format=form)


def is_pipe(path: str) -> bool:
    """Whether a local path is something that can be read only once, such as a named pipe."""
    return not is_url(path) and os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def sniff(head: bytes, text_field: str) -> str:
    """Return the format (an ending) of what begins with these bytes."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PAR1"):
        return ".parquet"
    if head.startswith(b"{"):
        return ".jsonl"
    if head[:1024].lower().startswith((b"<!doctype html", b"<html")):
        return ".html"
    columns = head.split(b"\n")[0].strip()
    for form, mark in ((".tsv", b"\t"), (".csv", b","), (".csv", b";")):
        if text_field.encode() in [name.strip(b'" ') for name in columns.split(mark)] and mark in columns:
            return form
    return ".txt"


def stdin_head() -> bytes:
    """Return the first bytes of standard input without consuming them."""
    buffer: Any = sys.stdin.buffer
    return bytes(buffer.peek(HEAD)[:HEAD])
