"""What a folder holds, nothing passed over in silence; and names that tell files of several folders apart."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from parastance.predict.storage import is_url


@dataclass
class Walk:
    """The files below a folder, sorted by path. Hidden ones (with a dot before their name) are not among them.

    files: with what cannot be looked at, folders too, so that reading them will say why; links: to folders, which are not
    followed, as they may lead in circles or to the same files twice.
    """

    files: list[Path] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)


def walk(folder: Path) -> Walk:
    """Return what is below a folder. Raises OSError where the folder itself cannot be listed."""
    found = Walk()
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        try:
            with os.scandir(inside) as entries:
                for entry in entries:
                    if not entry.name.startswith("."):
                        _sort(entry, inside / entry.name, found, waiting)
        except OSError:
            if inside == folder:
                raise
            found.files.append(inside)
    found.files.sort()
    found.links.sort()
    return found


def _sort(entry: "os.DirEntry[str]", path: Path, found: Walk, folders: list[Path]) -> None:
    try:
        if entry.is_dir(follow_symlinks=False):
            folders.append(path)
        elif entry.is_dir():
            found.links.append(path)
        elif entry.is_file() or entry.is_symlink():  # a link to nothing will be a reject
            found.files.append(path)
    except OSError:
        found.files.append(path)


def distinct_names(paths: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the names, each the end of its path; where two paths have the same name, as many folders before it as tell them apart.

    Records are named after their files, and no two records may have the same name.
    """
    whole = [(path if is_url(path) else os.path.abspath(path)).replace(os.sep, "/").split("/") for path in paths]
    lengths = [name.count("/") + 1 for name in names]
    chosen = list(names)
    while True:
        owners: dict[str, set[str]] = {}
        for name, parts in zip(chosen, whole, strict=True):
            owners.setdefault(name, set()).add("/".join(parts))
        alike = [at for at, name in enumerate(chosen) if len(owners[name]) > 1 and lengths[at] < len(whole[at])]
        if not alike:
            return chosen
        for at in alike:
            lengths[at] += 1
            chosen[at] = "/".join(whole[at][-lengths[at] :]).lstrip("/")
