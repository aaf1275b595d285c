"""Both runtimes against the scikit-learn pipeline they came from, over real and hostile text."""

import pickle
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from parastance.predict.blocks import Blocks
from parastance.predict.clauses import clauses
from parastance.predict.compiled import CompiledScorer, trie
from parastance.predict.features import Views, frames, links, ngrams, placed_relations, relations
from parastance.predict.kernel import implementation, kernel_module
from parastance.predict.model import Model, Unit
from parastance.predict.plain import PlainScorer
from parastance.predict.scorer import sigmoid, softmax
from parastance.predict.shape import NAMES, Place, shapes
from parastance.predict.targets import matcher, read_registry
from parastance.predict.tokens import subwords, tokenize
from parastance.predict.views import home_view, target_view
from parastance.train.collect import Collector
from parastance.train.config import Config
from parastance.train.data import corpus_files, read_labelled
from parastance.train.fit import fit
from parastance.train.vectors import SUBWORD_SCALE

HOSTILE = [
    "", " ", "\n", "!!!", "a", "A", "0", "_", "İstanbul İ ı", "ΟΔΥΣΣΕΥΣ Σ σς", "ǅ ﬀ ß ẞ", "𝐓𝐚𝐥𝐤𝐬 𐐀𐐨",
    "e\u0301 é ё", "١٢٣ ４５", "日本語のテキスト",
    "<target> <ally> Assad", "x" * 20000, "Assad " * 500, "a b " * 5000, "no-break\u00a0blank", "zero\u200bwidth",
    "\u202eright to left",
    "Syria's Syria’s Syrias", "U.S. us US",
    "don't didn’t",
    "CAPITALS ONLY ASSAD", "1,200 dead; 3.5m fled", "مرحبا العالم",
]  # fmt: skip


SHAPELY = [
    "jan 3", "Jan. 12", "sept", "1st Dec", "12th may", "2015", "1/2/15", "12:30", "1:2", ":", ".com", ".info", ".CO.UK",
    "www.", "wWw.", "http:", "HTTPS:", "a@b.c", "@", "x.y", "\u017fep 1", "\u212a", ".co.u\u212a", "\u0130",
    "mar\u0131 2", "©", "opyright", "Opyright", "...", "…", "»", ">", "! A", "? “", '. "', ",", "«", "(", "[", " ", " ",
    "\n", "\u00a0", "a", "Zed", "Ⓐ", "٣", "１", "²", "_", "-", "\ud800",
]  # fmt: skip
TARGETS = (None, "us_government", "nobody we know")


def _words(views: Views) -> list[str]:
    return views.tokens


def _masked(views: Views) -> list[str]:
    return ngrams(views.masked)


def _relations(views: Views) -> list[str]:
    return relations(views.masked)


def _grams_of_types(views: Views) -> list[str]:
    return [gram for word in dict.fromkeys(views.tokens) for gram in subwords(word)]


ANALYZERS = {
    "masked": _masked, "relations": _relations, "frames": frames, "links": links, "clauses": clauses, "notions": _words,
    "subwords": subwords,
}  # fmt: skip


def _tfidf(block: str, terms: list[str], idf: Any) -> Any:
    """Return scikit-learn's own vectorizer of a block's terms."""
    norm = None if block == "subwords" else "l2"
    vectorizer = TfidfVectorizer(analyzer=ANALYZERS[block], vocabulary=terms, sublinear_tf=True, norm=norm, dtype=np.float64)
    vectorizer.idf_ = idf
    return vectorizer


def _features(block: str, fitted: Any, seen: list[Views], units: list[Unit]) -> Any:
    if block == "shape":
        return csr_matrix(shapes([unit.text for unit in units], [unit.place for unit in units]))
    own = fitted.vectorizers[block]
    tfidf = _tfidf(block, own.terms, own.idf)
    if block == "subwords":
        types = sorted({word for views in seen for word in views.tokens}) or ["a"]
        counts = CountVectorizer(analyzer=_words, vocabulary=types, dtype=np.float64).transform(seen)
        counts.data = SUBWORD_SCALE * (1.0 + np.log(counts.data))
        lengths = np.sqrt([max(1, len(views.tokens)) for views in seen])
        return counts.multiply(1.0 / lengths[:, np.newaxis]).tocsr() @ tfidf.transform(types)
    return tfidf.transform(seen) @ own.vectors * own.scale if block == "notions" else tfidf.transform(seen)


def _scikit(fitted: Any, model: Any, units: list[Unit]) -> dict[str, Any]:
    seen = [target_view(unit, model.registry) for unit in units]
    home = [home_view(unit, views, model.registry) for unit, views in zip(units, seen, strict=True)]
    found = {}
    for name, head in fitted.heads.items():
        sight = seen if name == "stance" else home
        features = hstack([csr_matrix(_features(block, fitted, sight, units)) for block in head.recipe.blocks])
        found[name] = features @ head.weights + head.head.bias
    return found


def test_training_learns_what_scikit_learn_does(small: Any) -> None:
    rows = read_labelled(corpus_files())[::15]
    registry = read_registry()
    seen = [target_view(Unit(row.text, row.target, row.mentions), registry) for row in rows]
    for block, own in small.vectorizers.items():
        analyzer = {**ANALYZERS, "subwords": _grams_of_types}[block]
        settings = {"vocabulary": own.terms} if block == "notions" else {"min_df": 3}
        theirs = TfidfVectorizer(analyzer=analyzer, dtype=np.float64, **settings).fit(seen)
        assert own.terms == list(theirs.get_feature_names_out())
        assert np.abs(own.idf - theirs.idf_).max() < 1e-12


def test_both_collectors_collect_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_labelled(corpus_files())[::40]
    units = _units([row.text for row in rows] + HOSTILE)
    registry = read_registry()
    kernel = Collector(registry)
    monkeypatch.setattr("parastance.train.collect.kernel_module", lambda: None)
    plain = Collector(registry)
    one, other = kernel.collect(units), plain.collect(units)
    assert one.owner.tolist() == other.owner.tolist()
    for block in ("words", "masked", "relations"):
        a, b = kernel.terms(block), plain.terms(block)
        for part in ("paragraphs", "sentences"):
            x, y = getattr(one, part)[block], getattr(other, part)[block]
            assert x.ends.tolist() == y.ends.tolist()
            spelled = [[sorted(names[at] for at in row) for row in np.split(rag.ids, rag.ends)] for rag, names in ((x, a), (y, b))]
            assert spelled[0] == spelled[1]


def _units(texts: list[str]) -> list[Unit]:
    return [
        Unit(text, TARGETS[at % 3], ((1, 5), (20, 60)) if at % 4 == 0 else None, Place(1, 3) if at % 2 else None)
        for at, text in enumerate(texts)
    ]


def _scorers(model: Any) -> list[Any]:
    module = kernel_module()
    return [PlainScorer(model.blocks), *([CompiledScorer(model.blocks, module)] if module else [])]


def _hold(small: Any, small_model: Any, texts: list[str]) -> None:
    """Hold every implementation to scikit-learn's scores of paragraphs, and to each other's of their strongest sentences."""
    units = _units(texts)
    theirs = _scikit(small, small_model, units)
    scorers = _scorers(small_model)
    for scorer in scorers:
        ours = scorer.score(units, small_model.registry, False)
        for name, wanted in theirs.items():
            assert np.abs(ours.scores[:, small_model.blocks.columns[name]] - wanted).max() < 1e-5
    pooled = [scorer.score(units, small_model.registry, True) for scorer in scorers]
    for other in pooled[1:]:
        assert np.abs(other.scores - pooled[0].scores).max() < 1e-5
        assert other.known.tolist() == pooled[0].known.tolist()
        assert other.named.tolist() == pooled[0].named.tolist()


def test_frames_names_and_clauses_are_scored_by_both() -> None:
    rows = read_labelled(corpus_files())[::25]
    blocks = {"stance": {"blocks": ("masked", "relations", "frames", "names", "clauses")}}
    model = Model.from_artifact(fit(rows, Config(folds=2, regularisation=(10.0,), heads=blocks)).artifact, "framed")
    assert {"frames", "names", "clauses"} <= set(model.blocks.tables)
    mixed = random.Random(3)
    texts = [row.text for row in rows] + HOSTILE
    words = ["Assad", "Iran", "Bashar al-Assad", "said", "Ann", "I", ".", "“Bo", "US", "The", "to", "and", "who,", "(— that", "!"]
    texts += [" ".join(mixed.choices(words, k=15)) for _ in range(300)]
    units = _units(texts)
    for pool in (False, True):
        first, *others = [scorer.score(units, model.registry, pool).scores for scorer in _scorers(model)]
        for other in others:
            assert np.abs(first - other).max() < 1e-5


def test_subwords_of_two_labels_are_scored_where_there_are_no_notions() -> None:
    """NumPy took the second label's sums for the squares that a norm is made of, where a word came twice."""
    rows = read_labelled(corpus_files())[::40]
    model = Model.from_artifact(fit(rows, Config(folds=2, heads={"topics": {"blocks": ("masked",)}})).artifact, "two")
    assert model.blocks.tables["subwords"]["heads"] == ["kind"]
    assert "notions" not in model.blocks.tables
    units = [Unit(row.text) for row in rows]
    for scorer in _scorers(model):
        wanted = model.blocks.score(*[[target_view(unit, model.registry) for unit in units]] * 2)
        wanted += shapes([unit.text for unit in units], None) @ model.blocks.shape
        assert np.abs(scorer.score(units, model.registry, False).scores - wanted).max() < 1e-5


def test_the_kernel_is_there_where_it_is_asked_for() -> None:
    """CI sets PARASTANCE_KERNEL=c, so that the comparisons below cannot pass for want of a kernel."""
    assert (kernel_module() is not None) == (implementation() == "the C kernel")


def test_equal_on_real_and_hostile_text(small: Any, small_model: Any) -> None:
    texts = HOSTILE + [row.text for row in read_labelled(corpus_files())[::7]]
    mixed = random.Random(0)
    texts += ["".join(mixed.choices("abAİßσΣ.,'’ \n0١𐐀<>-", k=200)) for _ in range(50)]
    _hold(small, small_model, texts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=120), min_size=1, max_size=4))
def test_equal_on_any_text(small: Any, small_model: Any, texts: list[str]) -> None:
    _hold(small, small_model, texts)


def test_columns_beyond_the_first_eight_are_summed_like_those(small_model: Any) -> None:
    """The kernel sums the first columns while it counts terms, and any others behind that."""
    module = kernel_module()
    if module is None:
        pytest.skip("no kernel was built")
    blocks, registry = small_model.blocks, small_model.registry
    width = blocks.width
    texts = HOSTILE + [row.text for row in read_labelled(corpus_files())[::40]]

    class Tripled:
        def Kernel(self, width: int, stance: int, *parts: Any) -> Any:
            *tables, shape, bias, reference, pooled, share = parts
            tables = [table and (*table[:2], np.tile(table[2], 3)) for table in tables]
            references = np.concatenate([np.where(reference < 0, -1, reference + at * width) for at in range(3)]).astype(np.int32)
            lines = None if shape is None else np.tile(shape, 3)
            return module.Kernel(3 * width, stance, *tables, lines, np.tile(bias, 3), references, np.tile(pooled, 3), share)

    scores, flags = np.empty((len(texts), 3 * width)), np.empty(len(texts), np.uint8)
    tries = [trie(module, matcher(registry, registry.default))]
    kernel = CompiledScorer(blocks, Tripled()).kernel
    for pool in (False, True):
        kernel.score(texts, tries, np.zeros(len(texts), np.int32), 0, None, None, scores, flags, pool)
        wanted = CompiledScorer(blocks, module).score([Unit(text) for text in texts], registry, pool).scores
        assert all((scores[:, at * width : (at + 1) * width] == wanted).all() for at in range(3))


def test_a_paragraph_scores_the_same_alone_and_in_company(model: Any) -> None:
    texts = [row.text for row in read_labelled(corpus_files())[:300]]
    together = model.label(texts)
    assert [model.label([text])[0] for text in texts[:40]] == together[:40]


def test_words_beyond_those_that_are_kept_score_the_same(model: Any) -> None:
    words = (f"w{chr(97 + at % 26)}{at:x}q" for at in range(130_000))
    texts = [" ".join(["Assad", *(word for _, word in zip(range(65), words, strict=False))]) for _ in range(2000)]
    together = model.scores([Unit(text) for text in texts])
    model = pickle.loads(pickle.dumps(model))  # which has met none of them
    for at in (0, 1, 1500, 1600, 1999):
        alone = model.scores([Unit(texts[at])])
        assert all((alone[name][0] == together[name][at]).all() for name in alone)


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


def test_the_kernel_sees_the_same_shapes() -> None:
    module = kernel_module()
    if module is None:
        pytest.skip("no kernel was built")
    mixed = random.Random(1)
    texts = HOSTILE + [row.text for row in read_labelled(corpus_files())[::9]]
    texts += ["".join(mixed.choices(SHAPELY, k=12)) for _ in range(4000)]
    found = np.zeros((len(texts), len(NAMES)))
    module.shapes(texts, np.tile(np.array([[1, 2]], np.int32), (len(texts), 1)), found)
    wanted = shapes(texts, [Place(1, 2)] * len(texts))
    assert [texts[row] for row in np.flatnonzero((found != wanted).any(axis=1))] == []


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


def test_the_shape_of_a_line_counts_for_any_head_whoever_the_target_is() -> None:
    rows = [row for row in read_labelled(corpus_files())[::60] if row.stance]
    config = Config(folds=2, heads={"stance": {"blocks": ("masked", "shape"), "C": 3.0}})
    model = Model.from_artifact(fit(rows, config).artifact, "shaped")
    units = _units([row.text for row in rows] + HOSTILE)
    for pool in (False, True):
        first, *others = [scorer.score(units, model.registry, pool).scores for scorer in _scorers(model)]
        for other in others:
            assert np.abs(first - other).max() < 1e-5
    unit = Unit(rows[0].text, "iranian_government")
    lines = shapes([unit.text], [None]) @ np.asarray(model.blocks.tables["shape"]["weights"], np.float64)
    with_it, without = (replace_shape(model, keep).scores([unit], False)["stance"][0] for keep in (True, False))
    assert np.abs(with_it - without - lines[0][model.blocks.own_columns("shape")["stance"]]).max() < 1e-5


def replace_shape(model: Model, keep: bool) -> Model:
    """Return the model, its lines' weights 0 where they are not to be kept."""
    shape = model.blocks.tables["shape"]
    tables = {**model.blocks.tables, "shape": {**shape, "weights": shape["weights"] * np.float32(keep)}}
    return Model("shaped", model.registry, model.heads, Blocks(model.heads, tables))
