"""The runtime against the scikit-learn pipeline it came from, over real and hostile text."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parastance.predict.features import ngrams, placed_relations, relations
from parastance.predict.model import Unit
from parastance.predict.scorer import sigmoid, softmax
from parastance.predict.shape import NAMES, Place, shapes
from parastance.predict.tokens import subwords, tokenize
from parastance.train.data import corpus_files, read_labelled

HOSTILE = [
    "", " ", "\n", "!!!", "a", "A", "0", "_", "İstanbul İ ı", "ΟΔΥΣΣΕΥΣ Σ σς", "ǅ ﬀ ß ẞ", "𝐓𝐚𝐥𝐤𝐬 𐐀𐐨",
    "e\u0301 é ё", "١٢٣ ４５", "日本語のテキスト",
    "<target> <ally> Assad", "x" * 20000, "Assad " * 500, "a b " * 5000, "no-break\u00a0blank", "zero\u200bwidth",
    "\u202eright to left",
    "Syria's Syria’s Syrias", "U.S. us US",
    "don't didn’t",
    "CAPITALS ONLY ASSAD", "1,200 dead; 3.5m fled", "مرحبا العالم",
]  # fmt: skip


TARGETS = (None, "us_government", "nobody we know")


def _scikit(fitted: Any, model: Any, units: list[Unit]) -> dict[str, Any]:
    from parastance.train.fit import Sights

    sights = Sights.of(units, model.registry)
    texts, places = [unit.text for unit in units], [unit.place for unit in units]
    return {
        name: fitted.features(name, sights.of_head(name), texts, places) @ head.weights + head.head.bias
        for name, head in fitted.heads.items()
    }


def _both(small: Any, small_model: Any, texts: list[str]) -> list[tuple[Any, Any]]:
    units = [Unit(text, TARGETS[at % 3], place=Place(1, 3) if at % 2 else None) for at, text in enumerate(texts)]
    ours, _ = small_model.scores(units, small_model.views(units))
    theirs = _scikit(small, small_model, units)
    return [(ours[name], theirs[name]) for name in theirs]


def test_equal_on_real_and_hostile_text(small: Any, small_model: Any) -> None:
    texts = HOSTILE + [row.text for row in read_labelled(corpus_files())[::7]]
    mixed = random.Random(0)
    texts += ["".join(mixed.choices("abAİßσΣ.,'’ \n0١𐐀<>-", k=200)) for _ in range(50)]
    for ours, theirs in _both(small, small_model, texts):
        assert np.abs(ours - theirs).max() < 1e-5


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=120), min_size=1, max_size=4))
def test_equal_on_any_text(small: Any, small_model: Any, texts: list[str]) -> None:
    for ours, theirs in _both(small, small_model, texts):
        assert np.abs(ours - theirs).max() < 1e-5


def test_a_paragraph_scores_the_same_alone_and_in_company(model: Any) -> None:
    texts = [row.text for row in read_labelled(corpus_files())[:300]]
    together = model.label(texts)
    assert [model.label([text])[0] for text in texts[:40]] == together[:40]


@pytest.mark.parametrize("word", ["a", "ab", "abc", "abcd", "straße", "𐐀𐐨"])
def test_subwords_are_char_wb(word: str) -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    analyze = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), lowercase=False).build_analyzer()
    assert subwords(word) == analyze(word)


@given(st.text(max_size=200))
def test_tokens_are_lower_case_words(text: str) -> None:
    for token in tokenize(text):
        assert token
        assert token == token.lower()
        assert "<" not in token
        assert not any(c.isspace() for c in token)


def test_relations_name_the_words_around_the_target() -> None:
    masked = ["<ally>", "sent", "arms", "to", "<target>", "again"]
    found = relations(masked)
    assert {"L:arms", "L:arms to", "R:again", "<ally>><target>", "<ally>><target>:sent", "named"} <= set(found)
    assert relations(["rain"]) == ["unnamed"]
    for term, first, last in placed_relations(masked):
        assert 0 <= first <= last <= len(masked), term


def test_shapes_lie_between_0_and_1() -> None:
    table = shapes([*HOSTILE, "© 2015 Levant Press | info@levant.example"], None)
    assert table.shape == (len(HOSTILE) + 1, len(NAMES))
    assert table.min() >= 0
    assert table.max() <= 1


def test_sigmoid_and_softmax_do_not_overflow() -> None:
    wide = np.array([[-1e4, 0.0, 1e4]])
    assert sigmoid(wide).tolist() == [[0.0, 0.5, 1.0]]
    assert softmax(wide).tolist() == [[0.0, 0.0, 1.0]]


def test_ngrams() -> None:
    assert ngrams(["a", "b", "c"]) == ["a", "b", "c", "a b", "b c"]
    assert ngrams([]) == []
