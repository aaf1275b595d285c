"""The clause of the target: where it begins and ends, and what is said of it."""

import pytest

from parastance.predict.clauses import clauses, placed_clauses
from parastance.predict.evidence import explain
from parastance.predict.features import Views
from parastance.predict.model import Model, Unit
from parastance.predict.targets import Registry
from parastance.predict.views import target_view
from parastance.train.config import Config
from parastance.train.data import corpus_files, labelled_row, read_labelled
from parastance.train.fit import fit

CASES = [  # text, in which X is the target; the clause's words before it, behind it, and by what it is parted
    ("Ann, who met X, left.", "met", "", "who", ","),
    ("They said that X lost and Bo won.", "", "lost", "that", "and"),
    ("X", "", "", ".", "."),
    ("He praised X army (again).", "he praised", "army", ".", "("),
    ("It was late – “X fell!” they cried.", "", "fell", "-", "!"),
    ("Nothing here; X, here: nothing.", "", "", ";", ","),
    ("The rain fell all day in the hills. X and the army of the north slept.", "", "", ".", "and"),
    ("Because X men fled, and not so few, it fell.", "", "men fled", "because", ","),
]


WORDS = "now then <target> met <target> in town slept"
PAIRS = [("warm", "good"), ("cold", "bad")]


def seen(text: str) -> Views:
    start = text.find("X")
    return target_view(Unit(text, "x", ((start, start + 1),) if start >= 0 else ()), Registry([], "x"))


@pytest.mark.parametrize(("text", "before", "behind", "start", "end"), CASES, ids=[case[0] for case in CASES])
def test_a_clause_goes_from_mark_to_mark(text: str, before: str, behind: str, start: str, end: str) -> None:
    found = clauses(seen(text))
    for kind, words in (("l", before), ("r", behind), ("c", f"{before} {behind}")):
        assert sorted(term for term in found if term[0] == kind) == sorted(f"{kind}:{word}" for word in words.split())
    assert [term for term in found if term[0] in "<>"] == [f"<:{start}", f">:{end}"]


def test_without_the_target_there_is_no_clause() -> None:
    assert clauses(seen("Nobody came, and nobody left.")) == []
    assert clauses(seen("")) == []


def test_a_sentence_alone_has_the_clause_that_it_has_in_its_paragraph() -> None:
    views = seen("The rain fell all day in the hills. In the north, X slept and woke. The rain went on and on in the hills.")
    assert len(views.ends) == 3
    assert [term for part in views.sentences() for term in clauses(part)] == clauses(views)
    for _, first, last in placed_clauses(views):
        assert last == first + 1 <= len(views.masked)


def test_evidence_of_clauses_adds_up() -> None:
    rows = [row for row in read_labelled(corpus_files())[::40] if row.stance]
    model = Model.from_artifact(fit(rows, Config(folds=2, heads={"stance": {"blocks": ("clauses",)}})).artifact, "clauses")
    head = model.heads["stance"]
    for row in rows[:40]:
        unit = Unit(row.text, row.target)
        record = {"stance": next(label for at, label in enumerate(head.labels) if at != head.fallback)}
        scores = model.scores([unit])["stance"][0]
        lead = scores[head.labels.index(record["stance"])] - scores[head.fallback]
        assert sum(entry["weight"] for entry in explain(model, unit, record)) == pytest.approx(lead, abs=1e-4)


def test_a_block_that_sees_nothing_in_any_row_changes_nothing() -> None:
    pairs = [(at, *pair) for at in range(20) for pair in PAIRS]
    rows = [labelled_row({"text": f"{word} rain in town {at}", "stance": label}, f"{at}{word}") for at, word, label in pairs]
    alone, beside = (
        fit(rows, Config(folds=2, heads={"stance": {"blocks": blocks}})) for blocks in (("masked",), ("masked", "clauses"))
    )
    models = [Model.from_artifact(fitted.artifact, "m") for fitted in (alone, beside)]
    one, other = (model.scores([Unit("warm rain in Assad's town")])["stance"] for model in models)
    assert other == pytest.approx(one, abs=1e-6)


def test_a_clause_counts_once_however_often_it_names_the_target() -> None:
    text = "Now then X met X in town, and X slept."
    spans = tuple((at, at + 1) for at, char in enumerate(text) if char == "X")
    found = clauses(target_view(Unit(text, "x", spans), Registry([], "x")))
    first = ["l:now", "l:then", "l:<target>", "l:met", "r:met", "r:<target>", "r:in", "r:town", "<:.", ">:,"]
    assert sorted(term for term in found if term[0] != "c") == sorted([*first, "<:and", ">:.", "r:slept"])
    assert sorted(term for term in found if term[0] == "c") == sorted(f"c:{word}" for word in WORDS.split())
