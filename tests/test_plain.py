"""NumPy's scorer by its parts: that each finds for a batch what its definition says of one paragraph, and what it costs."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_scores import HOSTILE, SHAPELY

from parastance.predict import lexicon, plain, relation_terms, sums
from parastance.predict.actors import KEPT_MATCHERS, Aliases, Mentions
from parastance.predict.artifact import unpack_terms
from parastance.predict.characters import read
from parastance.predict.grams import Grams
from parastance.predict.keytable import KeyTable
from parastance.predict.lexicon import FORM, TOKEN, Lexicon
from parastance.predict.model import Unit
from parastance.predict.outlines import shapes
from parastance.predict.passages import passages
from parastance.predict.plain import PlainScorer
from parastance.predict.sentences import split_sentences
from parastance.predict.shape import Place
from parastance.predict.shape import shapes as defined_shapes
from parastance.predict.targets import ROLES, matcher, read_registry
from parastance.predict.tokens import WORD, tokenize
from parastance.predict.views import home_view, target_view
from parastance.train.data import corpus_files, read_labelled

PIECES = [
    *SHAPELY, "Assad", "'s", "’s", "Assads ", " Iran ", " US ", " us ", "USs", "U.S. ", "Syrian government ", "Islamic State",
    "ISIS", "President Bashar al-Assad", "Syrian ", "army ", "Free Syrian Army", ". The ", '."  New ', "! ", "s", "S", "ǅ",
    "日本", "\x00", "the regime of Assad and Iran, ", "12.3.2015", "31/12", "www", "http", "https", "co.uk", "co", "uk", "a.b@c.d",
]  # fmt: skip
MADE = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
TEXTS = st.lists(st.one_of(st.text(max_size=80), MADE), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_words_and_sentences_are_those_of_each_text(texts: list[str]) -> None:
    known = Lexicon()
    for _ in range(2):  # met first, and known
        seen = passages(texts, known)
        words = seen.characters.text
        found = [known.tokens[at] for at in known.of(TOKEN, seen.words).tolist()]
        lower = {number: form for form, number in known.forms.items()}
        for at, text in enumerate(texts):
            mine = slice(int(seen.word_starts[at]), int(seen.word_ends[at]))
            assert found[mine] == tokenize(text)
            spelled = [words[a:b] for a, b in zip(seen.starts[mine].tolist(), seen.ends[mine].tolist(), strict=True)]
            assert spelled == WORD.findall(text)
            assert [lower[form] for form in known.of(FORM, seen.words[mine]).tolist()] == [word.lower() for word in spelled]
            starts = [match.start() for match in WORD.finditer(text)]
            ends = [sum(start < end for start in starts) for _, end in split_sentences(text)]
            assert (seen.sentence_ends[seen.owner == at] - mine.start).tolist() == ends


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from(["assad_government", "us_government", "isis", "nobody"]))
def test_mentions_are_those_of_each_text(texts: list[str], name: str) -> None:
    aliases, known = matcher(read_registry(), name), Lexicon()
    seen = passages(texts, known)
    found: Mentions = Aliases(aliases, known).find(seen, None)
    wanted = [
        (int(seen.word_starts[at]) + one.first, int(seen.word_starts[at]) + one.last, ROLES.index(one.role))
        for at, text in enumerate(texts)
        for one in aliases.find(text)
    ]
    assert list(zip(found.first.tolist(), found.last.tolist(), found.role.tolist(), strict=True)) == wanted


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_shapes_are_those_of_each_text(texts: list[str]) -> None:
    places = [Place(at, 7) if at else None for at, _ in enumerate(texts)]
    assert shapes(passages(texts, Lexicon()), texts, places).tolist() == defined_shapes(texts, places).tolist()


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_scores_are_as_defined(small_model: Any, texts: list[str]) -> None:
    marks = (None, ((0, 5),), ((0, 3), (2, 40)))
    targets = (None, "us_government", "nobody we know")
    units = [Unit(text, targets[at % 3], marks[len(text) % 3]) for at, text in enumerate(texts)]
    registry, blocks = small_model.registry, small_model.blocks
    seen = [target_view(unit, registry) for unit in units]
    home = [home_view(unit, views, registry) for unit, views in zip(units, seen, strict=True)]
    wanted = blocks.score(seen, home) + defined_shapes(texts) @ blocks.shape
    assert np.abs(PlainScorer(blocks).score(units, registry, False).scores - wanted).max() < 1e-5


def test_scores_do_not_depend_on_batches_or_on_what_is_kept(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = random.Random(4)
    texts = HOSTILE + ["".join(mixed.choices(PIECES, k=20)) for _ in range(200)]
    units = [Unit(text, None if at % 2 else "us_government") for at, text in enumerate(texts)]
    scorer = PlainScorer(model.blocks)
    whole = scorer.score(units, model.registry, True)
    monkeypatch.setattr(plain, "BATCH", 300)
    monkeypatch.setattr(lexicon, "KEPT_WORDS", 50)
    monkeypatch.setattr(sums, "PIECE", 40)
    monkeypatch.setattr(relation_terms, "PIECE", 3)
    parted = PlainScorer(model.blocks).score(units, model.registry, True)
    assert np.array_equal(whole.scores, parted.scores)
    assert whole.known.tolist() == parted.known.tolist()
    assert whole.named.tolist() == parted.named.tolist()
    assert scorer.score([], model.registry, True).scores.shape == (0, model.blocks.width)


def test_threads_score_alike(model: Any) -> None:
    texts = [row.text for row in read_labelled(corpus_files())[:600]]
    batches = [[Unit(text) for text in texts[at : at + 100]] for at in range(0, 600, 100)]
    alone, shared = PlainScorer(model.blocks), PlainScorer(model.blocks)
    wanted = [alone.score(batch, model.registry, True).scores for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            found = pool.map(lambda batch: shared.score(batch, model.registry, True).scores, batches)
            assert all(np.array_equal(one, other) for one, other in zip(wanted, found, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=("Z", "P", "S", "C")), min_size=1, max_size=12), min_size=1, max_size=6))
def test_tokens_score_by_their_subwords(small_model: Any, words: list[str]) -> None:
    blocks = small_model.blocks
    table = blocks.tables["subwords"]
    tokens = [token for word in words for token in tokenize(word)]
    found = Grams(unpack_terms(table["terms"]), table["idf"], table["weights"]).scores(tokens)
    for token, scores in zip(tokens, found, strict=True):
        for head, own in blocks.own_columns("subwords").items():
            assert np.abs(scores[own] - blocks.subwords.word_score(token)[blocks.columns[head]]).max() < 1e-5


def test_what_is_kept_is_bounded(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "BATCH", 2000)
    monkeypatch.setattr(lexicon, "KEPT_WORDS", 1000)
    scorer = PlainScorer(model.blocks)
    sizes = []
    for at in range(20):
        scorer.score([Unit(" ".join(f"w{at}x{word}" for word in range(300)))], model.registry, True)
        sizes.append(sum(len(memory.lexicon) for memory in scorer._memories))
    assert max(sizes) <= 1000
    assert min(sizes) == 0


def test_aliases_of_many_targets_are_not_all_kept(small_model: Any) -> None:
    scorer, registry = PlainScorer(small_model.blocks), small_model.registry
    units = [Unit(f"Talks with person {at} of Iran.", f"person_{at}") for at in range(KEPT_MATCHERS + 20)]
    assert scorer.score(units, registry, True).named.all()
    assert max(len(memory.aliases) for memory in scorer._memories) <= KEPT_MATCHERS


@pytest.mark.parametrize("step", [1, 1 << 20, 1 << 32, 1 << 48, 0x9E3779B97F4A7C15])
def test_keys_of_any_pattern_are_found_in_few_looks(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = np.arange(20_000, dtype=np.uint64) * np.uint64(step)
    table, looked = KeyTable(2), [0]
    look = KeyTable._look

    def counted(self: KeyTable, slots: Any, lanes: Any) -> Any:
        looked[0] += len(slots)
        return look(self, slots, lanes)

    ids = np.arange(len(keys), dtype=np.int32)
    for start in range(0, len(keys), 700):
        table.add(ids[start : start + 700], keys[start : start + 700], keys[start : start + 700])
    monkeypatch.setattr(KeyTable, "_look", counted)
    distinct = min(20_000, 1 << (64 - (step & -step).bit_length() + 1))
    assert table.find(keys[:distinct], keys[:distinct]).tolist() == ids[:distinct].tolist()
    assert looked[0] < 2 * distinct
    assert (table.find(keys[:distinct], keys[:distinct] ^ np.uint64(5 * 2**50 + 3)) == -1).all()


def test_a_batch_keeps_texts_apart() -> None:
    characters = read(["Assad", "", "’s. ", "The"])
    assert [characters.text[a:b] for a, b in zip(characters.starts, characters.ends, strict=True)] == ["Assad", "", "’s. ", "The"]
    assert not characters.classes[characters.ends].any()
