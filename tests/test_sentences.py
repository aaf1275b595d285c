"""Sentences of a paragraph, and what their scores add to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parastance.predict.sentences import SHARE, owners, split_sentences, strongest

CASES = [
    ("One sentence only.", 1),
    ("The army left the town on Monday. The rebels came back on Friday.", 2),
    ("The army left the town on Monday.\nThe rebels came back on Friday.", 2),
    ("He spoke to Mr. Assad for an hour on the telephone before he left the town.", 1),
    ('"We will not leave the town," he said on Monday. "Never."', 2),
    ('The army "left the town and the hills." The rebels came back on Friday.', 2),
    ("The U.S. government said that it would not send any soldiers there.", 1),
    ("Some 3.5 million people have fled their homes since the war began.", 1),
    ("Did the army leave the town on Monday? Nobody knows! The rebels came back.", 2),
    ("", 1),
]


@pytest.mark.parametrize(("text", "count"), CASES)
def test_sentences(text: str, count: int) -> None:
    assert len(split_sentences(text)) == count


@given(st.text(max_size=300))
def test_sentences_hold_the_whole_text(text: str) -> None:
    spans = split_sentences(text)
    assert "".join(text[start:end] for start, end in spans) == text


def test_the_strongest_sentence_adds_its_share() -> None:
    own = np.array([[1.0, -1.0], [0.5, 0.0]])
    sentences = np.array([[3.0, -2.0], [1.0, 4.0]])
    pooled, chosen = strongest(own, sentences, owners([2, 0]), None)
    assert pooled.tolist() == [[1 + 3 * SHARE, -1 + 4 * SHARE], [0.5 * (1 + SHARE), 0.0]]
    assert chosen.tolist() == [[0, 1], [-1, -1]]


def test_an_exclusive_head_counts_from_its_reference() -> None:
    own = np.array([[1.0, 2.0, 0.0]])
    pooled, _ = strongest(own, np.zeros((0, 3)), owners([0]), 0)
    assert pooled.tolist() == [[0.0, 1.0 + SHARE, -1.0 - SHARE]]
