"""Paragraphs to feature terms: what each block of the model sees.

Each block is a bag with its own weighting; training and prediction read them through the functions here.

    masked          unigrams and bigrams, actors as role tokens          topics, kind, stance
    relations       what stands around the target and other roles,       topics, stance
                    and between the target and its neighbours
    frames          the same with every other name as one token,         stance, where cross-validation chooses it
                    and the words next to the target
    links           of frames, what relations have not (see `links`);   stance
                    a model file has them as frames
    names           the words that the target goes by                    stance, where cross-validation chooses it
    clauses         the words of the target's clause (see `clauses`)     stance, where cross-validation chooses it
    subwords        character n-grams, summed over the words             topics, kind
    notions         unigrams, weighted through word vectors              topics
    shape           what the line looks like (see `shape`)               kind
    surface, spelling, categories: the text as it is written             stance, of few rows, where cross-validation chooses it
                    (see `written`)

The stance head reads the roles as seen from the target that was asked for. Topics and kind must not depend on it: they
read them as seen from the codebook's default target, whoever the target is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from parastance.predict.targets import TARGET, Mention
from parastance.predict.tokens import WORD, bigrams, tokenize

WINDOW = 6  # words either side of a mention; 4, 6 and 10 gave 0.678, 0.690 and 0.680 stance macro-F1 on real text
REACH = 12  # words between two actors that are read as one relation
NEAR = 4  # words either side of an actor that is not the target
NAME = "<name>"  # the token of a run of words written like names
MANY = 5  # names, and more
LINKS = ("LL:", "RR:", "LR:", "names:", "named", "unnamed")  # how terms of frames start that links keep
STARTS = frozenset('.!?:"“”«»')  # after these a capital says nothing
MARKS = {",": ",", ";": ";", ":": ":", "-": "–—", "(": "()[]", '"': '"“”', "!": "!?"}  # those that part clauses, by kind
PARTING = {char: kind for kind, chars in MARKS.items() for char in chars}


@dataclass(frozen=True)
class Views:
    """One paragraph as its blocks see it.

    tokens: its tokens; masked: the same with every mention of an actor as one role token. ends: where its sentences end,
    as pairs of indices into tokens and masked; the last is the lengths of both. capital: for each masked token, whether it is
    a word written like a name, with a capital that no sentence or quotation begins with. said: for each masked token, the
    tokens that a role token stands for, else none. marks: for each masked token, the kind of the first parting mark between it
    and the one before, else an empty string.
    """

    tokens: list[str]
    masked: list[str]
    ends: tuple[tuple[int, int], ...]
    capital: list[bool]
    said: list[list[str]]
    marks: list[str]

    def sentences(self) -> list["Views"]:
        """Return the views of the sentences; none where there is but one."""
        if len(self.ends) < 2:
            return []
        starts = ((0, 0), *self.ends)
        return [
            Views(self.tokens[a:b], self.masked[c:d], ((b - a, d - c),), self.capital[c:d], self.said[c:d], self.marks[c:d])
            for (a, c), (b, d) in zip(starts, self.ends, strict=False)
        ]


def view(text: str, mentions: Sequence[Mention], ends: Sequence[int]) -> Views:
    """Return the views of a paragraph whose mentions are given by word index, in order; ends: of its sentences, in words.

    No mention may go beyond its sentence.
    """
    tokens, names, parted = tokenize(text), capitals(text, ends), partings(text)
    masked: list[str] = []
    capital: list[bool] = []
    said: list[list[str]] = []
    marks: list[str] = []
    pairs = []
    at, index = 0, 0
    for end in ends:
        while index < len(mentions) and mentions[index].first < end:
            mention = mentions[index]
            masked += [*tokens[at : mention.first], mention.role]
            capital += [*names[at : mention.first], False]
            said += [*_nothing(mention.first - at), tokens[mention.first : mention.last]]
            marks += parted[at : mention.first + 1]
            at = mention.last
            index += 1
        masked += tokens[at:end]
        capital += names[at:end]
        said += _nothing(end - at)
        marks += parted[at:end]
        at = end
        pairs.append((end, len(masked)))
    return Views(tokens, masked, tuple(pairs), capital, said, marks)


def _nothing(count: int) -> list[list[str]]:
    return [[]] * count


def capitals(text: str, ends: Sequence[int]) -> list[bool]:
    """Return which words of a text are written like names: with a capital, and not first in a sentence or quotation.

    ends: of its sentences, in words. A text all in capitals has none.
    """
    if not any(map(str.islower, text)):
        return [False] * (ends[-1] if ends else 0)
    starts = {0, *ends}
    found, before = [], 0
    for index, match in enumerate(WORD.finditer(text)):
        word = match.group()
        name = word[0].isupper() and word != "I" and index not in starts
        found.append(name and STARTS.isdisjoint(text[before : match.start()]))
        before = match.end()
    return found


def partings(text: str) -> list[str]:
    """Return, for each word of a text, the kind of the first parting mark between it and the word before, else nothing."""
    found, before = [], 0
    for match in WORD.finditer(text):
        found.append(next((PARTING[char] for char in text[before : match.start()] if char in PARTING), ""))
        before = match.end()
    return found


def ngrams(tokens: list[str]) -> list[str]:
    """Return the unigrams and bigrams of a token list."""
    return tokens + bigrams(tokens)


def _around(tokens: list[str], mentions: list[tuple[int, str]]) -> list[tuple[str, int, int]]:
    terms: list[tuple[str, int, int]] = []
    for index, role in mentions:
        for side, start, end in (("l", max(0, index - NEAR), index), ("r", index + 1, index + 1 + NEAR)):
            near = enumerate(tokens[start:end], start)
            terms.extend((f"{role}{side}:{word}", at, at + 1) for at, word in near if word[0] != "<")
    return terms


def relations(masked: list[str]) -> list[str]:
    """Return the terms that say how the target stands in the paragraph; see `placed_relations`."""
    return [term for term, _, _ in placed_relations(masked)]


def placed_relations(masked: list[str]) -> list[tuple[str, int, int]]:
    """Return (term, first, last) for every relation: the term and the slice of tokens that carries it.

    `L:` and `R:` terms are the unigrams and bigrams within WINDOW words left and right of each mention of the target, other
    roles have the words within NEAR words;
    `a>b` terms name two neighbouring actors of which one is the target, `a>b:word` each word between them, so that
    who acts on whom stays visible; one last term, carried by no token, says whether the target is named at all.
    """
    mentions = [(index, token) for index, token in enumerate(masked) if token[0] == "<"]
    terms: list[tuple[str, int, int]] = []
    for index, token in mentions:
        if token == TARGET:
            for side, start, end in (("L", max(0, index - WINDOW), index), ("R", index + 1, index + 1 + WINDOW)):
                near = masked[start:end]
                terms.extend((f"{side}:{word}", at, at + 1) for at, word in enumerate(near, start))
                terms.extend((f"{side}:{pair}", at, at + 2) for at, pair in enumerate(bigrams(near), start))
    for (start, first), (end, second) in zip(mentions, mentions[1:], strict=False):
        if end - start <= REACH and TARGET in (first, second):
            pair = f"{first}>{second}"
            terms.append((pair, start, end + 1))
            terms.extend((f"{pair}:{masked[at]}", at, at + 1) for at in range(start + 1, end))
    terms.extend(_around(masked, [(index, token) for index, token in mentions if token != TARGET]))
    terms.append(("named" if any(token == TARGET for _, token in mentions) else "unnamed", 0, 0))
    return terms


def framed(seen: Views) -> tuple[list[str], list[int]]:
    """Return (the masked tokens with each run of names as one token, the masked index of each run's first token, and the end)."""
    tokens: list[str] = []
    starts: list[int] = []
    for at, (token, name) in enumerate(zip(seen.masked, seen.capital, strict=True)):
        if not name:
            tokens.append(token)
            starts.append(at)
        elif not (at and seen.capital[at - 1]):
            tokens.append(NAME)
            starts.append(at)
    return tokens, [*starts, len(seen.masked)]


def frames(seen: Views) -> list[str]:
    """Return the terms of the frames block; see `placed_frames`."""
    return [term for term, _, _ in placed_frames(seen)]


def placed_frames(seen: Views) -> list[tuple[str, int, int]]:
    """Return (term, first, last) for every frame: the term and the slice of masked tokens that carries it.

    The relations with every other name as one token, so that what was learnt about one pair of names serves all; the pairs of
    words just left (`LL:`), just right (`RR:`) and either side (`LR:`) of a mention of the target; how many names there are.
    """
    tokens, starts = framed(seen)
    terms = placed_relations(tokens)
    for at, token in enumerate(tokens):
        if token == TARGET:
            pairs = (("LL", at - 2, at - 1), ("RR", at + 1, at + 2), ("LR", at - 1, at + 1))
            terms.extend(
                (f"{side}:{tokens[a]} {tokens[b]}", a, b + 1) for side, a, b in pairs if a >= 0 and b < len(tokens)
            )
    terms.append((f"names:{min(MANY, tokens.count(NAME))}", 0, 0))
    return [(term, starts[first], starts[last]) for term, first, last in terms]


def links(seen: Views) -> list[str]:
    """Return those terms of `frames` that hold a name or that `relations` cannot have, but for the words around names.

    What the rest says relations say already; it and the words around names brought nothing beside those.
    """
    around = (f"{NAME}l:", f"{NAME}r:")
    return [term for term in frames(seen) if term.startswith(LINKS) or NAME in term and not term.startswith(around)]


def own_names(seen: Views) -> list[str]:
    """Return the terms of the names block; see `placed_names`."""
    return [term for term, _, _ in placed_names(seen)]


def placed_names(seen: Views) -> list[tuple[str, int, int]]:
    """Return (term, first, last): the words and word pairs of each mention of the target, and the masked token that it is.

    One term that no token carries says that there is none.
    """
    terms: list[tuple[str, int, int]] = []
    for at, (token, words) in enumerate(zip(seen.masked, seen.said, strict=True)):
        if token == TARGET:
            terms.extend((f"T:{term}", at, at + 1) for term in ngrams(words))
    return terms or [("T:", 0, 0)]
