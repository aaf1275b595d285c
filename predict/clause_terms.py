"""The terms of the targets' clauses of a batch of paragraphs: what `clauses` spells out, in linear time however many mentions
there are in one clause.
"""

import numpy as np
from numpy.typing import NDArray

from parastance.predict.characters import Indices
from parastance.predict.clauses import CONJUNCTIONS, FULL
from parastance.predict.features import MARKS, PARTING
from parastance.predict.keytable import NONE
from parastance.predict.masked import Masked
from parastance.predict.passages import Passages
from parastance.predict.terms import TARGET_ROLE, Rows, TermTable

PARTERS = (*MARKS, FULL, *sorted(CONJUNCTIONS))  # the tokens that say by what clauses are parted


def clauses(seen: Passages, masked: Masked, table: TermTable, numbers: dict[str, int]) -> Rows:
    """Return the terms of `clauses.clauses`; numbers: of a vocabulary's tokens, those of PARTERS among them."""
    rows, size = Rows(seen), len(masked.tokens)
    targets = masked.places[masked.roles == TARGET_ROLE]
    if not len(targets):
        return rows
    conjunction = np.isin(masked.tokens, [numbers[word] for word in CONJUNCTIONS])
    edge = _edges(seen, masked, conjunction, numbers)
    broken = (edge[:-1] != NONE) | conjunction
    clause = np.cumsum(broken) - 1  # a conjunction is one of its own
    starts = np.append(np.flatnonzero(broken), size)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(targets, minlength=size))])
    left = before[:-1] - before[starts[clause]]  # the targets of the clause that stand left and right of each token
    right = before[starts[clause + 1]] - before[1:]
    for kind, holds in (("c", left + right > 0), ("l", right > 0), ("r", left > 0)):
        at = np.flatnonzero(holds)
        keys = table.keys(np.full(len(at), table.kind(kind)), masked.tokens[at])
        rows.add(table.find(keys), masked.sentence[at])
    named = np.unique(clause[targets])
    first, last = starts[named], starts[named + 1]
    behind = np.where(edge[last] == NONE, np.append(masked.tokens, NONE)[last], edge[last])
    for kind, by in (("<", edge[first]), (">", behind)):
        rows.add(table.find(table.keys(np.full(len(by), table.kind(kind)), by)), masked.sentence[first])
    return rows


def _edges(seen: Passages, masked: Masked, conjunction: NDArray[np.bool_], numbers: dict[str, int]) -> Indices:
    """Return by what each token is parted from the one before, -1 for nothing; one more for the end."""
    edge = np.full(len(masked.tokens) + 1, NONE, np.int64)
    edge[1:][conjunction] = masked.tokens[conjunction]
    marks = _marks(seen, numbers)[masked.words]
    edge[:-1] = np.where(marks == NONE, edge[:-1], marks)
    edge[:-1][masked.sentence != np.concatenate([np.full(1, NONE), masked.sentence[:-1]])] = numbers[FULL]
    edge[-1] = numbers[FULL]
    return edge


def _marks(seen: Passages, numbers: dict[str, int]) -> Indices:
    """Return the kind of the first parting mark before each word and behind the one before it, -1 for none."""
    at = seen.characters.places(PARTING)
    word, first = np.unique(np.searchsorted(seen.starts, at), return_index=True)
    marks = sorted(PARTING)
    kinds = np.array([numbers[PARTING[mark]] for mark in marks])
    found = np.full(len(seen.starts) + 1, NONE, np.int64)  # one more for marks behind the last word
    found[word] = kinds[np.searchsorted([ord(mark) for mark in marks], seen.characters.points[at[first]])]
    return found[:-1]
