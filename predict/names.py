"""Label names as people and tables hold them: any string may be one."""

import json
import unicodedata
from collections.abc import Sequence

LONGEST = 60  # characters of a name that a message shows


def join_names(names: Sequence[str]) -> str:
    """Return names in one cell of CSV: joined by `|`, or as a JSON list where that could not be read back."""
    joined = "|".join(names)
    return joined if part_names(joined) == list(names) else json.dumps(list(names), ensure_ascii=False)


def part_names(cell: str) -> list[str]:
    """Return the names in a cell that `join_names` wrote, or that people wrote: joined by `|`, spaces around them ignored."""
    if cell.startswith("["):
        try:
            found = json.loads(cell)
        except ValueError:
            found = None
        if isinstance(found, list) and all(isinstance(name, str) and name for name in found):
            return found
    return [name.strip() for name in cell.split("|") if name.strip()]


def shown(name: str) -> str:
    """Return a name as it fits in a line: control characters and line breaks escaped, its middle left out where it is long."""
    line = "".join(f"\\u{ord(char):04x}" if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in name)
    return line if len(line) <= LONGEST else f"{line[: LONGEST * 2 // 3]}…{line[-LONGEST // 4 :]}"
