"""What can be set about a training: by whoever calls it, or in a TOML file, which `train --config` reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from parastance.predict.batch import cores
from parastance.predict.errors import UsageError
from parastance.predict.toml_file import read_toml
from parastance.train.dictionary import read_dictionary
from parastance.train.recipe import KNOWN_BLOCKS, Recipe

HEADS = ("topics", "kind", "stance")

SHIPPED_FOLDS = 10  # of the shipped corpus, which is not searched: cut-offs fit better the closer held-out models are to the last


@dataclass(frozen=True)
class Config:
    """Settings of `train`.

    seed: of everything random. folds: grouped folds of the cross-validation. held: how many of them are held out in turn, all
    where None; with fewer, calibration, cut-offs and figures come from the rows of those folds alone. search: whether the
    settings of topics and stance are chosen by cross-validation (see `search`) or are those measured on the shipped corpus.
    regularisation: the values of C tried where nothing is searched, least first. tolerance: macro-F1 that a plainer setting may
    lose to another and still be chosen. notions: whether topics see the shipped word vectors (`seeds/notions.npz`), which were
    learnt on news about wars. actors: whether the registry's actors become role tokens; None: where some stance is about
    one of them. heads: settings of single heads, each a field of `Recipe`, which are then not searched. precision: the one that
    certified levels promise. dictionary: the words of the categories that the `categories` block sees, by name; None: the shipped
    ones. slices: whether to hold out by outlet, conflict, year and set as well, where the data say them.
    """

    seed: int = 0
    folds: int = 5
    held: int | None = None
    search: bool = False
    regularisation: tuple[float, ...] = (3.0, 10.0)
    tolerance: float = 0.002
    notions: bool = True
    actors: bool | None = None
    heads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    precision: float = 0.90
    slices: bool = False
    dictionary: Mapping[str, str] | None = None
    jobs: int = cores()

    @property
    def rarest(self) -> int | None:
        """In how many rows a term must stand at least, the least that any head is given; None where none is."""
        return min((given["rarest"] for given in self.heads.values() if given.get("rarest")), default=None)

    def pins(self, head: str) -> Mapping[str, Any]:
        """Return the settings of a head that are given."""
        return self.heads.get(head, {})


def read_config(path: Path, config: Config) -> Config:
    """Return the configuration with what a TOML file sets. Raises UsageError naming the file and the key at fault.

    Top-level keys are fields of `Config`; the tables `[topics]`, `[stance]` and `[kind]` hold fields of `Recipe`.
    """
    data = read_toml(path)
    heads = {}
    for head in HEADS:
        if head in data:
            heads[head] = _head(path, head, data.pop(head))
    plain = {name: _checked(path, name, value, TOP) for name, value in data.items()}
    if "dictionary" in plain:
        plain["dictionary"] = read_dictionary(path.parent / plain["dictionary"])
    return replace(config, **plain, heads={**config.heads, **heads})


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


TOP: dict[str, tuple[Any, str]] = {
    "seed": (lambda value: type(value) is int and value >= 0, "a whole number, 0 or more"),
    "folds": (lambda value: type(value) is int and 2 <= value <= 20, "a whole number from 2 to 20"),
    "search": (lambda value: isinstance(value, bool), "true or false"),
    "regularisation": (
        lambda value: isinstance(value, list) and bool(value) and all(map(_number, value)), "a list of numbers above 0",
    ),
    "tolerance": (lambda value: value == 0 or _number(value), "a number, 0 or more"),
    "notions": (lambda value: isinstance(value, bool), "true or false"),
    "actors": (lambda value: isinstance(value, bool), "true or false"),
    "precision": (lambda value: _number(value) and value < 1, "a number between 0 and 1"),
    "slices": (lambda value: isinstance(value, bool), "true or false"),
    "dictionary": (lambda value: isinstance(value, str) and bool(value), "the path of a TOML file, from where this one is"),
}  # fmt: skip
HEAD: dict[str, tuple[Any, str]] = {
    "blocks": (
        lambda value: isinstance(value, list) and 0 < len(value) == len(set(map(str, value)) & set(KNOWN_BLOCKS)),
        f"a list of {', '.join(KNOWN_BLOCKS)}",
    ),
    "C": (_number, "a number above 0"),
    "ngrams": (lambda value: type(value) is int and value in (1, 2), "1 or 2"),
    "named": (lambda value: _number(value) and value >= 1, "a number, 1 or more"),
    "own": (lambda value: value == 0 or _number(value), "a number, 0 or more"),
    "rarest": (lambda value: type(value) is int and value >= 1, "a whole number, 1 or more"),
    "diffusion": (lambda value: value == 0 or _number(value), "a number, 0 or more"),
    **{
        key.name: (lambda value: isinstance(value, bool), "true or false")
        for key in fields(Recipe)
        if isinstance(key.default, bool)
    },
}


def _checked(path: Path, name: str, value: Any, known: dict[str, tuple[Any, str]]) -> Any:
    key = name.rpartition(".")[2]
    if key not in known:
        raise UsageError(f"{path}: `{name}` is unknown; there are {', '.join(known)}")
    fits, wanted = known[key]
    if not fits(value):
        raise UsageError(f"{path}: `{name}` must be {wanted}")
    return tuple(value) if isinstance(value, list) else value


def _head(path: Path, head: str, table: Any) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: `{head}` must be a table: [{head}]")
    return {name: _checked(path, f"{head}.{name}", value, HEAD) for name, value in table.items()}
