"""The blocks of the text as it is written: what their terms are, and that every path scores them as scikit-learn would."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from parastance.predict.blocks import WRITTEN
from parastance.predict.compiled import CompiledScorer
from parastance.predict.dictionary import Dictionary
from parastance.predict.errors import UsageError
from parastance.predict.evidence import explain
from parastance.predict.kernel import kernel_module, make_scorer
from parastance.predict.model import Model, Unit
from parastance.predict.plain import PlainScorer
from parastance.predict.sentences import strongest
from parastance.predict.surface import LONGEST, spelling, surface
from parastance.predict.written import WithWritten, analyser
from parastance.train.config import Config, read_config
from parastance.train.data import corpus_files, labelled_row, read_labelled
from parastance.train.dictionary import dictionary_of
from parastance.train.fit import fit
from parastance.train.matrices import Matrices
from parastance.train.questions import questions
from parastance.train.save import save
from parastance.train.search import FEW, block_sets

BLOCKS = ("masked", *WRITTEN)
SHIPPED = dictionary_of(None)
SMALL = Dictionary({"praise": ["good", "lov*"], "negation": ["not", "never"], "war": ["war", "bomb*"]})
HOSTILE = [
    "", " ", "\n", "!!!", "#", "@", "##x", "@@", "#A", "#AB cd", "#LoveWins :) :-( …", "İİİ", "soooo", "\ud800 #Tag\udfff",
    "x" * 3000,
    "日本語 #日本語 ١٢٣", "zero\u200bwidth", "a\u0085b\u2028c", "don’t DON'T", "\0", "not good. not. good", "#" * 500, "\ufffd",
]  # fmt: skip
PLAIN = str.maketrans(dict.fromkeys("\ud800\udfff\0"))  # what no reader lets through


def terms(found: Any) -> list[str]:
    return [term for term, _ in found]


@pytest.mark.parametrize(("text", "wanted"), [
    ("Good day", {"good", "day", "good day", "first:good", "first:day", "last:good", "last:day", "hashtags:0", "length:0"}),
    ("NATO soooo :)", {"nato", "capitals:", "lengthened:", ":)", "soooo :)", "last::)"}),
    ("#LoveWins today", {"#lovewins", "love", "wins", "love wins", "today |", "| love", "wins |", "hashtags:1"}),
    ("@who? no!", {"addressed:", "@who", "?", "!", "@who ?"}),
    ("don’t", {"don’t", "first:don’t"}),
    ("", {"hashtags:0", "length:0"}),
])  # fmt: skip
def test_surface_terms(text: str, wanted: set[str]) -> None:
    found = terms(surface(text))
    assert wanted <= set(found)
    assert sum(term == "love" for term in found) == ("Love" in text)


@pytest.mark.parametrize(("text", "wanted"), [
    ("Ab", [" Ab", "Ab ", " Ab "]),
    ("a\tB", [" a ", " B "]),
    ("", []),
])  # fmt: skip
def test_spelling_terms(text: str, wanted: list[str]) -> None:
    assert terms(spelling(text)) == wanted


@pytest.mark.parametrize(("text", "wanted"), [
    ("A good war", ["praise", "war", "praise & war"]),
    ("Not so good", ["negation", "not praise", "negation & not praise"]),
    ("never. good", ["negation", "praise", "negation & praise"]),
    ("not a b c good", ["negation", "praise", "negation & praise"]),
    ("#LoveNotBombs", ["praise", "praise", "negation", "not war", "negation & not war", "negation & praise", "not war & praise"]),
    ("goods", []),
])  # fmt: skip
def test_categories_terms(text: str, wanted: list[str]) -> None:
    assert terms(SMALL.terms(text)) == wanted


def test_the_shipped_dictionary_is_whole() -> None:
    shipped = SHIPPED
    assert shipped.of("atheists") == ("unbelief",)
    assert len(shipped.categories) > 40
    for name, words in shipped.categories.items():
        assert name.replace("_", "").isalpha()
        assert list(words) == sorted(set(words)), name
        assert all(word == word.lower() and word.strip("*") for word in words), name
    assert Dictionary.of_lines(shipped.lines).lines == shipped.lines


@settings(max_examples=100)
@given(st.text(max_size=80) | st.text(alphabet="aB#@:)'.! \n", max_size=80))
def test_terms_can_be_kept_and_lie_in_the_text(text: str) -> None:
    for placed in (surface, spelling, SHIPPED.terms):
        for term, spans in placed(text):
            assert term
            assert "\n" not in term
            assert term.encode("utf-8")
            assert all(0 <= start < end <= len(text) for start, end in spans)


def test_terms_grow_as_the_text_does() -> None:
    for placed in (surface, spelling, SHIPPED.terms):
        one, ten = (sum(1 for _ in placed("#LoveWins never stop the war! " * n)) for n in (100, 1000))
        assert ten <= 10 * one
    assert len(terms(spelling("x" * 10**6))) <= 3 * (LONGEST + 2)


@pytest.fixture(scope="module")
def fitted() -> Any:
    rows = [row for row in read_labelled(corpus_files())[::50] if row.stance]
    rows += [labelled_row({"text": text.translate(PLAIN) + " x", "stance": "neutral"}, f"h{at}") for at, text in enumerate(HOSTILE)]
    pins = {"blocks": BLOCKS, "own": 1.0, "C": 3.0}
    return fit(rows, Config(folds=2, heads={"stance": pins, "topics": {"blocks": ("masked", "spelling"), "C": 3.0}}))


@pytest.fixture(scope="module")
def written(fitted: Any) -> Model:
    return Model.from_artifact(fitted.artifact, "written")


def _units(texts: list[str]) -> list[Unit]:
    return [Unit(text, (None, "us_government", "nobody we know")[at % 3]) for at, text in enumerate(texts)]


def _scorers(model: Model, unit: Unit) -> list[Any]:
    blocks, module = model.blocks_for(unit), kernel_module()
    others = [PlainScorer(blocks), *([CompiledScorer(blocks, module)] if module else [])]
    return [WithWritten(blocks, other) for other in others]


def _tfidf(placed: Any, **settings: Any) -> Any:
    return TfidfVectorizer(analyzer=lambda text: terms(placed(text)), dtype=np.float64, **settings)


def _said(model: Model, unit: Unit) -> Any:
    """Return what scikit-learn says that the written blocks add to a unit's scores."""
    blocks, total = model.blocks_for(unit), np.zeros(model.blocks.width)
    for block in WRITTEN:
        bag = blocks.written[block].bag
        placed = analyser(block, SHIPPED if block == "categories" else None)
        theirs = _tfidf(placed, vocabulary=list(bag.ids), sublinear_tf=True)
        theirs.idf_ = bag.idf.astype(np.float64)
        total += theirs.transform([unit.text]).toarray()[0] @ blocks.weights(block).astype(np.float64)
    return total


def _hold(model: Model, texts: list[str]) -> None:
    for unit in _units(texts):
        wanted = _said(model, unit)
        without = [one.others.score([unit], model.registry, False).scores[0] for one in _scorers(model, unit)]
        found = [one.score([unit], model.registry, False).scores[0] for one in _scorers(model, unit)]
        for other, scores in zip(without, found, strict=True):
            assert np.abs(scores - other - wanted).max() < 1e-5
            assert np.abs(scores - found[0]).max() < 1e-5


def test_both_paths_score_what_scikit_learn_does(written: Model) -> None:
    _hold(written, [*HOSTILE, *(row.text for row in read_labelled(corpus_files())[::900])])


@settings(max_examples=15)
@given(st.text(max_size=100))
def test_both_paths_score_any_text(written: Model, text: str) -> None:
    _hold(written, [text])


def test_idf_and_terms_are_those_of_scikit_learn(fitted: Any) -> None:
    texts = [row.text for row in fitted.rows]
    for block in WRITTEN:
        placed = analyser(block, SHIPPED if block == "categories" else None)
        own = fitted.vectorizers[block]
        theirs = _tfidf(placed, min_df=3).fit(texts)
        assert own.terms == list(theirs.get_feature_names_out())
        assert np.abs(own.idf - theirs.idf_).max() < 1e-12


def test_the_strongest_sentence_is_seen_in_its_paragraph(fitted: Any, written: Model) -> None:
    """What is scored with the strongest sentence's share is what cross-validation judged."""
    head, registry = fitted.heads["stance"], written.registry
    units = [Unit(row.text, row.target, row.mentions, row.place) for row in fitted.rows]
    x, parts = Matrices.of(units, registry, BLOCKS).head("stance", BLOCKS)
    assert parts is not None
    ours = written.scores(units)["stance"]
    for target in {unit.target for unit in units}:
        weights, bias = head.own.get(target or registry.default, (head.weights, head.head.bias))
        whole, sentences = x @ weights + bias, parts.features @ weights + bias
        wanted = strongest(whole, sentences, parts.owner, head.head.fallback)[0]
        lead = ours - ours[:, [head.head.fallback]]
        rows = [at for at, unit in enumerate(units) if unit.target == target]
        assert np.abs(lead[rows] - wanted[rows]).max() < 1e-4


def test_evidence_adds_up(written: Model) -> None:
    head = written.heads["stance"]
    for row in read_labelled(corpus_files())[:3000:100]:
        unit = Unit(f"{row.text} #PeaceNow :)", row.target)
        scores = written.scores([unit])["stance"][0]
        for at, label in enumerate(head.labels):
            found = sum(entry["weight"] for entry in explain(written, unit, {"stance": label}))
            rivals = np.delete(scores, at) if at == head.fallback else scores[[head.fallback]]
            assert found == pytest.approx(scores[at] - rivals.max(), abs=1e-4)


def test_a_model_keeps_its_own_dictionary(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('dry = "dry parch*"\nwet = "Rain*  flood"\n')
    (tmp_path / "c.toml").write_text('dictionary = "own.toml"\n[stance]\nblocks = ["masked", "categories"]\nC = 10.0\nrarest = 1\n')
    config = read_config(tmp_path / "c.toml", Config(folds=2))
    words = {"for": ("rainy", "raining", "floods"), "none": ("parched", "dry", "quiet")}
    said = [(label, f"It is {word} in town {at}") for label, several in words.items() for word in several for at in range(10)]
    found = fit([labelled_row({"text": text, "stance": label}, text) for label, text in said], config)
    (tmp_path / "own.toml").unlink()
    model = Model.from_artifact(found.artifact, "own")
    assert set(model.blocks.written["categories"].bag.ids) == {"dry", "wet"}
    assert [row["stance"] for row in model.label(["It is rainless in town", "It is parching in town"])] == ["for", "none"]


@pytest.mark.parametrize(("content", "said"), [
    ("wet = 3", "`wet` must be a string of words"),
    ('wet = " "', "`wet` must be a string of words"),
    ('wet = "a*b"', "`wet` holds a*b"),
    ('wet = "*"', "`wet` holds *"),
    ('"a & b" = "rain"', "a category's name is letters"),
    (None, "cannot be read"),
])  # fmt: skip
def test_a_dictionary_that_cannot_be_used_is_told(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "own.toml").write_text(content)
    (tmp_path / "c.toml").write_text('dictionary = "own.toml"')
    with pytest.raises(UsageError, match="own.toml") as raised:
        read_config(tmp_path / "c.toml", Config())
    assert said in str(raised.value)


def test_a_model_without_these_blocks_is_scored_as_ever(small_model: Model) -> None:
    assert not isinstance(make_scorer(small_model.blocks), WithWritten)


def test_only_few_rows_are_searched_for_them() -> None:
    def rows(n: int) -> list[Any]:
        return [labelled_row({"text": f"rain {at}", "stance": "abc"[at % 3]}, f"{at}") for at in range(n)]

    for n, wanted in ((60, True), (FEW, False)):
        question = questions(rows(n), np.ones(n))[0]
        assert any(set(WRITTEN) <= set(blocks) for blocks in block_sets(question, Config(search=True), 3)) == wanted


def test_end_to_end(fitted: Any, tmp_path: Path, run: Any) -> None:
    """Trained, saved, told of in the manifest, and labelled by the command as by the library, with the kernel and without."""
    folder = tmp_path / "m"
    save(fitted, Config(folds=2), folder)
    assert json.loads((folder / "manifest.json").read_text())["chosen"]["stance"]["blocks"] == list(BLOCKS)
    texts = [text for text in HOSTILE if text.strip() and text == text.translate(PLAIN) and any(map(str.isalpha, text))]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"id": str(at), "text": text}) + "\n" for at, text in enumerate(texts)))
    wanted = Model.from_artifact(fitted.artifact, "m").label(texts)
    done = run("predict", str(tmp_path / "in.jsonl"), "--model", str(folder), "-o", str(tmp_path / "out.jsonl"))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().split("\n") if line]
    assert [row["stance"] for row in found] == [row["stance"] for row in wanted]
