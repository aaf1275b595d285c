"""Who is named where in a batch of paragraphs: what `targets.Matcher` finds, for all words at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parastance.predict import unicode
from parastance.predict.characters import Indices, ranges
from parastance.predict.keytable import NONE, Ids
from parastance.predict.lexicon import CUT, CUT_WRITTEN, FLAGS, FORM, POSSESSIVE, UPPER, WRITTEN, Lexicon
from parastance.predict.passages import Passages
from parastance.predict.targets import ROLES, Matcher, Registry, find_mentions, matcher, needs

if TYPE_CHECKING:
    from parastance.predict.model import Unit

KEPT_MATCHERS = 64  # as many as `targets.matcher` keeps
_SHIFT = 32  # bits of the number of a form, in the key of an edge
ANYHOW, CAPITAL = -1, -2  # what an alias asks of a word: nothing, a capital; else the number of how it must be written


@dataclass(frozen=True)
class Mentions:
    """Mentions in order and without overlap. first, last: the words of each, of the whole batch; role: index in `targets.ROLES`."""

    first: Indices
    last: Indices
    role: Indices

    def kept(self, chosen: NDArray[np.bool_] | Indices) -> "Mentions":
        """Return some of the mentions."""
        return Mentions(self.first[chosen], self.last[chosen], self.role[chosen])


Known = dict[Matcher, "Aliases"]  # those of a lexicon


def mentions_of(
    seen: Passages, asked: str | Sequence[str], marked: Mapping[int, "Unit"], registry: Registry, known: Known
) -> Mentions:
    """Return who is named in some paragraphs.

    asked: the target, or one a paragraph, that roles are seen from; marked: the paragraphs that have mentions given by hand.
    """
    if isinstance(asked, str):
        parts = [_aliases(asked, seen, registry, known).find(seen, None)]
    else:
        parts = [
            _aliases(name, seen, registry, known).find(seen, np.array([other == name for other in asked]))
            for name in dict.fromkeys(asked)
        ]
    if marked:
        of_marked = np.zeros(len(seen), np.bool_)
        of_marked[list(marked)] = True
        parts = [part.kept(~of_marked[seen.paragraph[part.first]]) for part in parts]
        parts += [_given(unit, int(seen.word_starts[at]), registry) for at, unit in marked.items()]
    if len(parts) == 1:
        return parts[0]
    first, last, role = (np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "last", "role"))
    return Mentions(first, last, role).kept(np.argsort(first, kind="stable"))


def _aliases(name: str, seen: Passages, registry: Registry, known: Known) -> "Aliases":
    aliases = matcher(registry, name)
    if aliases not in known:
        if len(known) >= KEPT_MATCHERS:
            known.clear()
        known[aliases] = Aliases(aliases, seen.lexicon)
    return known[aliases]


def _given(unit: "Unit", start: int, registry: Registry) -> Mentions:
    """Return the mentions in a unit that has some given by hand; start: its first word."""
    found = find_mentions(unit.text, unit.target or registry.default, registry, unit.mentions)
    table = np.array([(m.first + start, m.last + start, ROLES.index(m.role)) for m in found], np.int64).reshape(-1, 3)
    return Mentions(*table.T)


class Aliases:
    """A matcher's trie as arrays, in the numbers of a lexicon.

    `_root`: the node that a form leads to, 0 for none; `_keys`: sorted, node << 32 | form, and `_nodes`, that they lead to;
    `_rules`: the aliases that end at a node, node after node, as what is asked of each word, and their `_roles`. By word of the
    lexicon: `_alone`, the role of the alias that it is by itself where capitals do not count (0) and do (1), -1 for none; `_on`,
    the node that it leads to if there are longer aliases, else 0; `_leads`, whether there is either.
    """

    def __init__(self, aliases: Matcher, lexicon: Lexicon) -> None:
        forms, nodes = lexicon.forms, [aliases.root]
        edges: dict[int, int] = {}
        roles, rules, self._first = [], [], [0]
        for at, node in enumerate(nodes):  # which grows
            for words, role in node.ends:
                roles.append(ROLES.index(role))
                rules.append([_asked(needs(word), forms) for word in words])
            self._first.append(len(rules))
            for word, child in node.next.items():
                edges[at << _SHIFT | forms.setdefault(word, len(forms))] = len(nodes)
                nodes.append(child)
        self._keys = np.array(sorted(edges), np.int64)
        self._nodes = np.array([edges[key] for key in self._keys.tolist()], np.int64)
        root = int(np.searchsorted(self._keys, 1 << _SHIFT))
        self._root = np.zeros(int(self._keys[root - 1]) + 2 if root else 1, np.int64)  # its last is for later forms, and for none
        self._root[self._keys[:root]] = self._nodes[:root]
        self._leads, self._on, self._alone = np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros((2, 0), np.int64)
        self._further = np.array([bool(at and node.next) for at, node in enumerate(nodes)])
        self._ends = np.array(self._first, np.int64)
        self._roles = np.array(roles, np.int64)
        self._rules = np.full((len(rules), max(map(len, rules), default=1)), ANYHOW, np.int64)
        for at, rule in enumerate(rules):
            self._rules[at, : len(rule)] = rule

    def find(self, seen: Passages, wanted: NDArray[np.bool_] | None) -> Mentions:
        """Return the mentions in the wanted paragraphs, or in all."""
        starts, last, role = self._longest(seen, wanted)
        found = np.flatnonzero(last)
        starts, last, role = starts[found], last[found], role[found]
        last = last + _possessive(seen, last)
        return Mentions(starts, last, role).kept(_apart(starts, last))

    def _longest(self, seen: Passages, wanted: NDArray[np.bool_] | None) -> tuple[Indices, Indices, Indices]:
        """Return (words at which an alias may start, where the longest that does ends or 0, its role)."""
        self._meet(seen.lexicon)
        leads = self._leads.take(seen.words)
        if wanted is not None:
            leads &= wanted.take(seen.paragraph)
        starts = np.flatnonzero(leads)
        words, cased = seen.words.take(starts), seen.cased.take(seen.paragraph.take(starts))
        role = self._alone[cased.astype(np.int64), words]
        last = np.where(role == NONE, 0, starts + 1)
        limit = seen.sentence_ends.take(seen.sentence.take(starts))
        node = self._on.take(words)
        walking = np.flatnonzero(node)
        node = node.take(walking)
        for depth in range(1, self._rules.shape[1]):
            inside = np.flatnonzero(starts.take(walking) + depth < limit.take(walking))
            walking, node = walking.take(inside), node.take(inside)
            if not len(walking):
                break
            word = seen.words.take(starts.take(walking) + depth)
            step, cut = self._step(node, seen.lexicon.of(FORM, word)), seen.lexicon.of(CUT, word)
            shorter, on = np.flatnonzero((step == 0) & (cut >= 0)), np.flatnonzero(step)
            lost = self._step(node.take(shorter), cut.take(shorter))
            for those, came, shortened in ((walking.take(shorter), lost, True), (walking.take(on), step.take(on), False)):
                spelled = seen.words.take(np.add.outer(np.arange(depth + 1), starts.take(those)))
                fit = self._fitting(seen.lexicon, spelled, came, cased.take(those), shortened)
                good = np.flatnonzero(fit != NONE)
                last[those.take(good)] = starts.take(those.take(good)) + depth + 1
                role[those.take(good)] = fit.take(good)
            walking, node = walking.take(on), step.take(on)
        return starts, last, role

    def _meet(self, lexicon: Lexicon) -> None:
        """Find, for words that are new in the lexicon, which aliases they are and where they lead to."""
        if len(self._leads) == len(lexicon):
            return
        new, outside = np.arange(len(self._leads), len(lexicon)), len(self._root) - 1
        form, cut = (np.where(form < 0, outside, form) for form in (lexicon.of(FORM, new), lexicon.of(CUT, new)))
        node = self._root.take(form, mode="clip")
        lost = np.where(node == 0, self._root.take(cut, mode="clip"), 0)
        alone = np.full((2, len(new)), NONE, np.int64)
        for cased in (0, 1):
            for came, shortened in ((node, False), (lost, True)):
                those = np.flatnonzero(came)
                as_written = np.full(len(those), bool(cased))
                alone[cased, those] = self._fitting(lexicon, new[np.newaxis, those], came[those], as_written, shortened)
        self._alone = np.concatenate([self._alone, alone], axis=1)
        self._on = np.concatenate([self._on, np.where(self._further.take(node), node, 0)])
        self._leads = np.concatenate([self._leads, (self._alone[:, new] != NONE).any(axis=0) | (self._on[new] > 0)])

    def _step(self, node: Indices, form: NDArray[np.int32]) -> Indices:
        """Return where forms lead to from nodes, 0 for nowhere."""
        key = node << _SHIFT | form
        at = np.searchsorted(self._keys, key)
        hit = (form >= 0) & (self._keys.take(at, mode="clip") == key) if len(self._keys) else np.zeros(len(key), np.bool_)
        return np.where(hit, self._nodes.take(at, mode="clip"), 0) if len(self._keys) else np.zeros(len(key), np.int64)

    def _fitting(
        self, lexicon: Lexicon, words: Indices | Ids, node: Indices, cased: NDArray[np.bool_], shortened: bool
    ) -> Indices:
        """Return the role of the first alias that ends at each node and whose capitals the words have that led there, -1 for none.

        words: of shape (words of an alias, nodes); cased: whether capitals count there; shortened: whether the last led there
        without its last letter.
        """
        first, behind = self._ends.take(node), self._ends.take(node + 1)
        found, which = np.full(len(node), NONE, np.int64), np.repeat(np.arange(len(node)), behind - first)
        if not len(which):
            return found
        rule = -ranges(1 - behind, 1 - first)  # the first of a node is the last to be set
        good, anyhow = np.ones(len(rule), np.bool_), ~cased.take(which)
        for at, word in enumerate(words):
            asked, mine = self._rules[:, at].take(rule), word.take(which)
            written = lexicon.of(CUT_WRITTEN if shortened and at == len(words) - 1 else WRITTEN, mine)
            upper = anyhow | (lexicon.of(FLAGS, mine) & UPPER != 0)
            good &= (asked == ANYHOW) | ((asked == CAPITAL) & upper) | (asked == written) & (asked >= 0)
        fit = np.flatnonzero(good)
        found[which.take(fit)] = self._roles.take(rule.take(fit))
        return found


def _apart(starts: Indices, last: Indices) -> NDArray[np.bool_]:
    """Return which of some matches in order remain where each is taken that begins behind the one taken before."""
    kept = starts >= np.concatenate([np.zeros(min(1, len(starts)), np.int64), np.maximum.accumulate(last)[:-1]])
    end = 0
    for at in np.flatnonzero(~kept).tolist():  # the few that another one reaches over
        if kept[at - 1]:
            end = last[at - 1]
        kept[at] = starts[at] >= end
    return np.asarray(kept)


def _asked(need: bytes | bool | None, forms: dict[str, int]) -> int:
    if isinstance(need, bytes):
        return forms.setdefault(need.decode(), len(forms))
    return CAPITAL if need else ANYHOW


def _possessive(seen: Passages, last: Indices) -> NDArray[np.bool_]:
    """Return whether an apostrophe and an s stand behind the words that end at `last`."""
    next_ = np.minimum(last, max(0, len(seen.words) - 1))
    end = seen.ends[last - 1]
    apart = (last < len(seen.words)) & (seen.starts[next_] == end + 1)
    marked = seen.characters.classes[end] & unicode.APOSTROPHE != 0
    return np.asarray(apart & marked & (seen.lexicon.of(FLAGS, seen.words[next_]) & POSSESSIVE != 0))
