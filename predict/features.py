"""Paragraphs to feature terms: what each block of the model sees.

Each block is a bag with its own weighting; training and prediction read them through the functions here.

    masked          unigrams and bigrams, actors as role tokens          topics, kind, stance
    relations       what stands around the target and other roles,       topics, stance
                    and between the target and its neighbours
    subwords        character n-grams, summed over the words             topics, kind
    notions         unigrams, weighted through word vectors              topics
    shape           what the line looks like (see `shape`)               kind

The stance head reads the roles as seen from the target that was asked for. Topics and kind must not depend on it: they
read them as seen from the codebook's default target, whoever the target is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from parastance.predict.targets import TARGET, Mention
from parastance.predict.tokens import bigrams, tokenize

WINDOW = 6  # words either side of a mention; 4, 6 and 10 gave 0.678, 0.690 and 0.680 stance macro-F1 on real text
REACH = 12  # words between two actors that are read as one relation
NEAR = 4  # words either side of an actor that is not the target


@dataclass(frozen=True)
class Views:
    """One paragraph as its blocks see it.

    tokens: its tokens; masked: the same with every mention of an actor as one role token. ends: where its sentences end,
    as pairs of indices into tokens and masked; the last is the lengths of both.
    """

    tokens: list[str]
    masked: list[str]
    ends: tuple[tuple[int, int], ...]

    def sentences(self) -> list["Views"]:
        """Return the views of the sentences; none where there is but one."""
        if len(self.ends) < 2:
            return []
        starts = ((0, 0), *self.ends)
        return [
            Views(self.tokens[a:b], self.masked[c:d], ((b - a, d - c),))
            for (a, c), (b, d) in zip(starts, self.ends, strict=False)
        ]


def view(text: str, mentions: Sequence[Mention], ends: Sequence[int]) -> Views:
    """Return the views of a paragraph whose mentions are given by word index, in order; ends: of its sentences, in words.

    No mention may go beyond its sentence.
    """
    tokens = tokenize(text)
    masked: list[str] = []
    pairs = []
    at, index = 0, 0
    for end in ends:
        while index < len(mentions) and mentions[index].first < end:
            masked.extend(tokens[at : mentions[index].first])
            masked.append(mentions[index].role)
            at = mentions[index].last
            index += 1
        masked.extend(tokens[at:end])
        at = end
        pairs.append((end, len(masked)))
    return Views(tokens, masked, tuple(pairs))


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
