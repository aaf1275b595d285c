"""Paragraphs to feature terms: what each block of the model sees.

Five blocks, each a bag with its own weighting; training and prediction read them through the functions here.

    words           unigrams and bigrams of the tokens             topics, kind
    subwords        character n-grams, summed over the words       topics, kind, stance (mentions left out)
    masked          unigrams and bigrams, actors as role tokens    stance
    relations       what stands around the target, and between     stance
                    the target and other actors
    shape           what the line looks like (see `shape`)         kind
"""

from collections.abc import Sequence
from dataclasses import dataclass

from parastance.predict.targets import TARGET, Mention
from parastance.predict.tokens import bigrams, tokenize

WINDOW = 6  # words either side of a mention; 4, 6 and 10 gave 0.678, 0.690 and 0.680 stance macro-F1 on real text
REACH = 12  # words between two actors that are read as one relation


@dataclass(frozen=True)
class Views:
    """One paragraph as its blocks see it: its tokens, and its tokens with every mention as one role token."""

    tokens: list[str]
    masked: list[str]

    @property
    def unmasked(self) -> list[str]:
        """The tokens that belong to no mention."""
        return [token for token in self.masked if token[0] != "<"]


def view(text: str, mentions: Sequence[Mention]) -> Views:
    """Return the views of a paragraph whose mentions are given by word index, in order."""
    tokens = tokenize(text)
    masked: list[str] = []
    at = 0
    for mention in mentions:
        masked.extend(tokens[at : mention.first])
        masked.append(mention.role)
        at = mention.last
    masked.extend(tokens[at:])
    return Views(tokens, masked)


def ngrams(tokens: list[str]) -> list[str]:
    """Return the unigrams and bigrams of a token list."""
    return tokens + bigrams(tokens)


def relations(masked: list[str]) -> list[str]:
    """Return the terms that say how the target stands in the paragraph; see `placed_relations`."""
    return [term for term, _, _ in placed_relations(masked)]


def placed_relations(masked: list[str]) -> list[tuple[str, int, int]]:
    """Return (term, first, last) for every relation: the term and the slice of tokens that carries it.

    `L:` and `R:` terms are the unigrams and bigrams within WINDOW words left and right of each mention of the target;
    `a>b` terms name two neighbouring actors of which one is the target, `a>b:word` each word between them, so that
    who acts on whom stays visible; one last term, carried by no token, says whether the target is named at all.
    """
    actors = [(index, token) for index, token in enumerate(masked) if token[0] == "<"]
    terms: list[tuple[str, int, int]] = []
    for index, token in actors:
        if token == TARGET:
            for side, start, end in (("L", max(0, index - WINDOW), index), ("R", index + 1, index + 1 + WINDOW)):
                near = masked[start:end]
                terms.extend((f"{side}:{word}", at, at + 1) for at, word in enumerate(near, start))
                terms.extend((f"{side}:{pair}", at, at + 2) for at, pair in enumerate(bigrams(near), start))
    for (start, first), (end, second) in zip(actors, actors[1:], strict=False):
        if end - start <= REACH and TARGET in (first, second):
            pair = f"{first}>{second}"
            terms.append((pair, start, end + 1))
            terms.extend((f"{pair}:{masked[at]}", at, at + 1) for at in range(start + 1, end))
    terms.append(("named" if any(token == TARGET for _, token in actors) else "unnamed", 0, 0))
    return terms
