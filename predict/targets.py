"""Who is spoken of: the registry of targets, and the mentions of a target and of other actors in a text.

Matching is by whole words and linear in the text: one walk over its words with a trie of the aliases, the longest
alias winning. No mention goes beyond its sentence. It judges neither stance nor whether "the regime" is the right one.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from parastance.predict.errors import UsageError
from parastance.predict.sentences import split_sentences
from parastance.predict.tokens import WORD
from parastance.predict.toml_file import read_toml

TARGET, ALLY, ADVERSARY, JIHADIST, THIRD = "<target>", "<ally>", "<adversary>", "<jihadist>", "<third>"
ROLES = (TARGET, ALLY, ADVERSARY, JIHADIST, THIRD)
CODEBOOK = Path(__file__).resolve().parent.parent / "seeds" / "codebook.toml"
_APOSTROPHES = "'’ʼ`´"
_PARTS = re.compile(r"\w+")


@dataclass(frozen=True)
class Target:
    """One actor of the registry: its name, its aliases, and who stands with and against it."""

    name: str
    aliases: tuple[str, ...]
    title: str = ""
    allies: tuple[str, ...] = ()
    adversaries: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True)
class Mention:
    """Where an actor is named: characters `start:end` of the text, words `first:last` of it, and its role."""

    start: int
    end: int
    first: int
    last: int
    role: str


@dataclass
class Node:
    """One step of the trie of aliases, by their words in lower case."""

    next: dict[str, "Node"] = field(default_factory=dict)
    ends: list[tuple[tuple[str, ...], str]] = field(default_factory=list)  # alias words as written, role


class Registry(dict[str, Target]):
    """The targets by name, and which of them is meant where none is named (`default`).

    learnt: names of other targets that a model's training data were about; each is found in a text by its own words.
    """

    def __init__(self, targets: Iterable[Target], default: str, learnt: Iterable[str] = ()) -> None:
        super().__init__((target.name, target) for target in targets)
        self.default = default
        self.learnt = tuple(learnt)


def read_registry(path: Path = CODEBOOK) -> Registry:
    """Read the `[targets.*]` tables of a TOML file. Raises UsageError naming the file and the entry at fault."""
    data = read_toml(path)
    alone = {data["name"]: data} if isinstance(data.get("name"), str) else {}
    tables = data.get("targets", alone)
    if not isinstance(tables, dict) or not tables or not all(isinstance(table, dict) for table in tables.values()):
        raise UsageError(f"{path}: no target in it; write `name = \"…\"` and `aliases = [\"…\"]`")
    targets = [parse_target(name, table, str(path)) for name, table in tables.items()]
    return Registry(targets, str(data.get("default_target", targets[0].name)))


def parse_target(name: str, table: Mapping[str, Any], place: str) -> Target:
    """Return the target that a table describes. Raises UsageError where a field is missing or of a wrong type."""

    def names(key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and _PARTS.search(item) for item in value):
            raise UsageError(f"{place}: target {name}: `{key}` must be a list of names")
        return tuple(value)

    aliases = names("aliases")
    if not aliases:
        raise UsageError(f"{place}: target {name}: `aliases` is missing or empty")
    title, group = str(table.get("title", name)), str(table.get("group", ""))
    return Target(name, aliases, title, names("allies"), names("adversaries"), group)


class Matcher:
    """Finds the mentions of one target, and of other actors by the role they play beside it."""

    def __init__(self, target: Target, others: Iterable[Target] = ()) -> None:
        self.target = target
        self.root = Node()
        for other in others:
            if other.name != target.name:
                self._add(other, role_of(other, target))
        self._add(target, TARGET)  # last, so that an alias that two actors share means the target

    def _add(self, actor: Target, role: str) -> None:
        for alias in actor.aliases:
            words = tuple(_PARTS.findall(alias))
            if len(words) > 1 and words[-1] == "s":  # possessives are matched without help
                words = words[:-1]
            node = self.root
            for word in words:
                node = node.next.setdefault(word.lower(), Node())
            if role == TARGET:
                node.ends = [end for end in node.ends if end[0] != words]
            node.ends.insert(0, (words, role))

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in `text`, in order and without overlap; linear in its length."""
        words = [(match.start(), match.end(), match.group()) for match in WORD.finditer(text)]
        has_case = any(map(str.islower, text)) and any(map(str.isupper, text[1:]))
        mentions = []
        at, sentence, ends = 0, 0, sentence_ends(text, words)
        while at < len(words):
            while ends[sentence] <= at:
                sentence += 1
            found = self._longest(words, at, ends[sentence], has_case)
            if found is None:
                at += 1
                continue
            last, role = found
            end = words[last - 1][1]
            if last < len(words) and words[last][2] in ("s", "S") and text[end : words[last][0]] in _MARKS:
                end, last = words[last][1], last + 1
            mentions.append(Mention(words[at][0], end, at, last, role))
            at = last
        return mentions

    def _longest(self, words: list[tuple[int, int, str]], at: int, limit: int, has_case: bool) -> tuple[int, str] | None:
        node: Node | None = self.root
        found = None
        index = at
        while index < limit and node is not None:
            word = words[index][2]
            step = node.next.get(word.lower())
            if step is None and len(word) > 3 and word[-1] in "sS":  # "Assads": the apostrophe was lost
                lost = node.next.get(word[:-1].lower())
                role = lost and _fits(lost, words[at : index + 1], has_case, cut=True)
                if role:
                    found = index + 1, role
            index += 1
            node = step
            if node is not None and node.ends:
                role = _fits(node, words[at:index], has_case)
                if role:
                    found = index, role
        return found


_MARKS = frozenset(_APOSTROPHES)


def _fits(node: Node, words: list[tuple[int, int, str]], has_case: bool, cut: bool = False) -> str | None:
    """Return the role of the node's first alias whose capitals the words have, None if none fits."""
    seen = [word for _, _, word in words]
    if cut:
        seen[-1] = seen[-1][:-1]
    for alias, role in node.ends:
        if all(_cased(want, have, has_case) for want, have in zip(alias, seen, strict=True)):
            return role
    return None


def needs(want: str) -> bytes | bool | None:
    """Return what an alias's word asks of the case of a word: to be just these bytes (US is not us), a capital, or nothing."""
    if len(want) > 1 and want.isupper() and len(want) <= 4:
        return want.encode()
    return True if want[0].isupper() else None


def _cased(want: str, have: str, has_case: bool) -> bool:
    need = needs(want)
    if isinstance(need, bytes):
        return have == want
    return not has_case or not need or have[0].isupper()


def role_of(actor: Target, target: Target) -> str:
    """Return the role that `actor` plays beside `target`."""
    if actor.group == "jihadist":
        return JIHADIST
    if actor.name in target.allies or target.name in actor.allies:
        return ALLY
    if actor.name in target.adversaries or target.name in actor.adversaries:
        return ADVERSARY
    return THIRD


@lru_cache(maxsize=64)
def _cached(target: Target, others: tuple[Target, ...]) -> Matcher:
    return Matcher(target, others)


def matcher(registry: Registry, name: str) -> Matcher:
    """Return the matcher for the target called `name`; a name that the registry lacks is matched by its own words."""
    target = registry.get(name)
    if target is None:
        spelled = name.replace("_", " ")
        target = Target(name, (spelled,) if _PARTS.search(spelled) else ())
    return _cached(target, tuple(registry.values()))


def sentence_ends(text: str, words: Sequence[tuple[int, int, str]]) -> list[int]:
    """Return the ends of a text's sentences, counted in its words, which are given as (start, end, word)."""
    starts = [word[0] for word in words]
    return [bisect_left(starts, end) for _, end in split_sentences(text)]


def find_mentions(
    text: str, target: str, registry: Registry, given: Sequence[tuple[int, int]] | None = None
) -> list[Mention]:
    """Return the mentions of `target` and of other actors in `text`, in order and without overlap.

    given: character offsets of the target's mentions; where it is not None, only they are mentions of the target.
    """
    found = matcher(registry, target).find(text)
    if given is None:
        return found
    words = [(match.start(), match.end(), match.group()) for match in WORD.finditer(text)]
    ends = sentence_ends(text, words)
    mine: list[Mention] = []
    for start, end in sorted(given):
        inside = [index for index, word in enumerate(words) if word[0] < end and start < word[1]]
        if inside and (not mine or inside[0] >= mine[-1].last):
            cuts = [inside[0], *(at for at in ends if inside[0] < at <= inside[-1]), inside[-1] + 1]
            for first, last in zip(cuts, cuts[1:], strict=False):
                mine.append(Mention(max(start, words[first][0]), min(end, words[last - 1][1]), first, last, TARGET))
    taken = {index for mention in mine for index in range(mention.first, mention.last)}
    others = [m for m in found if m.role != TARGET and taken.isdisjoint(range(m.first, m.last))]
    return sorted(mine + others, key=lambda mention: mention.first)
