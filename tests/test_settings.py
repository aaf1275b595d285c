"""How settings of a training are chosen, given and written down; targets with features of their own; labels with few rows."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from parastance.predict.errors import UsageError
from parastance.predict.evidence import explain
from parastance.predict.model import Model, Unit
from parastance.train.config import Config, read_config
from parastance.train.cutoffs import leaning_cuts
from parastance.train.data import LabelledRow, labelled_row
from parastance.train.fit import Fitted, fit, registry_for
from parastance.train.questions import questions
from parastance.train.recipe import Recipe
from parastance.train.run import warnings
from parastance.train.save import save
from parastance.train.search import FEW, FOLDS, LABELS, ROWS, candidates, planned, sample, stages

BAD = [
    ("folds = 1", "`folds` must be a whole number from 2 to 20"),
    ("colour = 1", "`colour` is unknown"),
    ("topics = 1", r"`topics` must be a table"),
    ("[stance]\nblocks = [\"maskd\"]", "`stance.blocks` must be a list of masked"),
    ("[stance]\nblocks = []", "`stance.blocks` must be"),
    ("[stance]\nrarest = 0", "`stance.rarest` must be a whole number, 1 or more"),
    ("[stance]\ndiffusion = -1", "`stance.diffusion` must be a number, 0 or more"),
    ("[stance]\nC = -1", "`stance.C` must be a number above 0"),
    ("[topics]\npooled = 1", "`topics.pooled` must be true or false"),
    ("regularisation = []", "`regularisation` must be a list of numbers"),
    ("folds =", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "reason"), BAD, ids=[case[0] for case in BAD])
def test_a_wrong_configuration_is_named(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(UsageError, match=rf"c\.toml: {reason}"):
        read_config(tmp_path / "c.toml", Config())
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path / "none.toml", Config())


TOML = """
folds = 3
search = false
actors = false
regularisation = [1, 2.5]
[stance]
blocks = ["masked", "subwords"]
C = 2
pooled = false
"""


def test_what_the_configuration_gives_is_kept(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(TOML)
    config = read_config(tmp_path / "c.toml", Config(search=True, seed=3))
    assert (config.folds, config.search, config.seed, config.actors, config.regularisation) == (3, False, 3, False, (1, 2.5))
    question = questions(opposites(), np.ones(400))[0]
    (recipe,) = candidates(question, config)
    assert (recipe.blocks, recipe.C, recipe.pooled) == (("masked", "subwords"), 2, False)
    assert {"blocks", "C", "pooled"}.isdisjoint(name for name, _ in stages(question, config))


def opposites() -> list[LabelledRow]:
    """Rows about two targets, in which the same words mean the opposite; neither is named in them."""
    rng = np.random.default_rng(0)
    likes, filler = ["warm", "bright", "dry"], ["road", "house", "river", "bank", "tree", "stone", "bridge", "field"]
    rows = []
    for at in range(400):
        target, good = str(rng.choice(["beach", "snow"])), bool(rng.integers(2))
        words = list(rng.choice(filler, 5)) + [str(rng.choice(likes)) if good == (target == "beach") else "cold"]
        text = " ".join(rng.permutation(words)) + f" {at}"
        rows.append(labelled_row({"text": text, "stance": "FAVOR" if good else "AGAINST", "target": target}, f"r{at}"))
    return rows


@pytest.fixture(scope="module")
def opposite() -> Fitted:
    return fit(opposites(), Config(folds=2, search=True, notions=False))


def test_targets_get_features_of_their_own_where_it_helps(opposite: Fitted) -> None:
    assert opposite.heads["stance"].recipe.own > 0
    assert opposite.heads["stance"].scores["macro_f1"] > 0.95
    model = Model.from_artifact(opposite.artifact, "opposite")
    assert model.target("snow") == "snow"
    said = [model.label(["a warm bright road"], target)[0]["stance"] for target in ("beach", "snow")]
    assert said == ["FAVOR", "AGAINST"]
    units = [Unit("a warm road", target) for target in ("beach", "snow", "desert", "beach")]
    alone = [model.scores([unit], False)["stance"][0] for unit in units]
    assert np.allclose(model.scores(units, False)["stance"], alone)
    assert not np.allclose(alone[0], alone[2])
    shared = fit(opposites(), Config(folds=2, notions=False, heads={"stance": asdict(opposite.heads["stance"].recipe)}))
    assert np.array_equal(shared.heads["stance"].weights, opposite.heads["stance"].weights)
    plain = Model.from_artifact({**opposite.artifact, "own": {}}, "shared")
    assert np.allclose(alone[2], plain.scores([units[2]], False)["stance"][0])


def test_evidence_adds_up_for_a_target_with_weights_of_its_own(opposite: Fitted) -> None:
    model = Model.from_artifact(opposite.artifact, "opposite")
    for target in ("beach", "snow", "desert"):
        unit = Unit("A warm river. The stone was cold and the bridge was dry, they said.", target)
        record = model.label([unit.text], "beach")[0] | {"stance": "FAVOR"}
        pooled = model.scores([unit])["stance"][0]
        head = model.heads["stance"]
        favor = head.labels.index("FAVOR")
        other = pooled[1 - favor]
        lead = pooled[favor] - pooled[head.fallback] if favor != head.fallback else pooled[favor] - other
        assert sum(entry["weight"] for entry in explain(model, unit, record)) == pytest.approx(lead, abs=1e-4)


def test_the_search_is_deterministic_and_within_its_budget(tmp_path: Path) -> None:
    rows, counted = opposites()[:200], []
    config = Config(folds=2, search=True, notions=False)
    first = fit(rows, config, lambda done, of: counted.append((done, of)))
    assert counted[-1][0] <= counted[-1][1] == planned(questions(rows, np.ones(200))[0], config, 2)
    save(first, config, tmp_path / "a")
    save(fit(rows, config), config, tmp_path / "b")
    for name in ("model.joblib", "manifest.json", "metrics.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert manifest["chosen"]["stance"]["C"] in (0.3, 1.0, 3.0, 10.0, 30.0)
    assert len(manifest["tried"]["stance"]) > 5
    assert all(0 <= trial["macro_f1"] <= 1 for trial in manifest["tried"]["stance"])


def moods(count: int) -> list[LabelledRow]:
    """Rows of three moods, each told by one word of many, which stand in two rows each."""
    rng = np.random.default_rng(1)
    rows = []
    for at in range(count):
        mood = ("glad", "sad", "calm")[at // 2 * 7 % 11 % 3]
        number = f"{at // 2:09b}".translate({48: "o", 49: "i"})
        filler = " ".join(f"word{chr(97 + letter)}" for letter in rng.integers(0, 26, 8))
        text = f"{filler} {mood}{number}"
        rows.append(labelled_row({"text": text, "stance": mood}, f"m{at}"))
    return rows


def test_terms_of_single_rows_are_kept_where_they_help_and_as_the_configuration_says(tmp_path: Path) -> None:
    """Each row has a word of its mood and number that stands in two rows; whoever leaves rare terms out sees little."""
    rows = moods(300)
    config = Config(folds=2, search=True, notions=False, heads={"stance": {"blocks": ("masked",), "C": 10.0}})
    fitted = fit(rows, config)
    assert fitted.heads["stance"].recipe.rarest == 1
    assert any(term.startswith("glad") for term in fitted.vectorizers["masked"].terms)
    assert fitted.heads["stance"].trials[-1]["rarest"] == 1
    (tmp_path / "c.toml").write_text('search = false\nfolds = 2\n[stance]\nblocks = ["masked"]\nrarest = 3\n')
    given = fit(rows, read_config(tmp_path / "c.toml", config))
    assert given.heads["stance"].recipe.rarest == 3
    assert not any(term.startswith("glad") for term in given.vectorizers["masked"].terms)
    again = fit(rows, Config(folds=2, notions=False, heads={"stance": asdict(fitted.heads["stance"].recipe)}))
    assert np.array_equal(again.heads["stance"].weights, fitted.heads["stance"].weights)


def test_three_labels_may_be_learnt_together_and_a_manifest_tells_what_is_not_usual() -> None:
    searched = [name for name, _ in stages(questions(moods(60), np.ones(60))[0], Config(search=True))]
    assert {"one_vs_rest", "diffusion"} < set(searched) and searched.count("C") == 2
    searched = [name for name, _ in stages(questions(opposites(), np.ones(400))[0], Config(search=True))]
    assert {"one_vs_rest", "diffusion"}.isdisjoint(searched) and searched.count("C") == 1
    large = questions(moods(FEW) * 2, np.ones(2 * FEW))[0]
    assert {"one_vs_rest", "diffusion"}.isdisjoint(name for name, _ in stages(large, Config(search=True)))
    plain = Recipe(("masked",)).told()
    assert {"diffusion", "rarest"}.isdisjoint(plain)
    assert Recipe(**{**plain, "blocks": tuple(plain["blocks"])}) == Recipe(("masked",))
    assert Recipe(("masked",), diffusion=0.6, rarest=1).told() == {**plain, "diffusion": 0.6, "rarest": 1}


def test_large_data_are_searched_on_a_sample_of_whole_groups() -> None:
    many, groups = ROWS * 2, np.arange(ROWS * 2) // 7
    rows = [labelled_row({"text": "a", "topics": [f"t{at % 40}"]}, f"r{at}") for at in range(many)]
    question = questions(rows, np.ones(many))[0]
    small = sample(question, groups, 0)
    assert ROWS - 7 <= len(small.rows) <= ROWS
    assert len(small.labels) == LABELS
    assert set(groups[small.rows]).isdisjoint(groups[np.setdiff1d(question.rows, small.rows)])
    assert FOLDS >= 2


def test_a_label_with_one_example_is_kept_and_said() -> None:
    crops = [(name, at) for at in range(20) for name in ("wheat", "corn")]
    rows = [labelled_row({"text": f"{name} grows in field {at}", "topics": [name]}, f"{name}{at}") for name, at in crops]
    fitted = fit([*rows, labelled_row({"text": "a single barley", "topics": ["barley"]}, "b")], Config(folds=2))
    assert warnings(fitted) == ["topics with fewer than 10 rows are hardly learnt, don't rely on them: barley (1)"]
    model = Model.from_artifact(fitted.artifact, "crops")
    records = model.label(["wheat grows in field 3", "a single barley", "rye"])
    assert ["barley" in record["topics"] for record in records] == [False, False, False]
    assert "wheat" in records[0]["topics"]
    assert records[1]["topic_probabilities"].keys() == {"wheat", "corn", "barley"}


def test_mentions_by_offset_say_whom_a_stance_is_about() -> None:
    rows = []
    for at in range(60):
        name, verb, label = ("Ann", "Bob")[at % 2], ("praised", "scolded")[at // 2 % 2], ("good", "bad")[at // 2 % 2]
        text = f"They {verb} {name} in town {at}, then nobody spoke to Carl."
        rows.append({"text": text, "target": name, "target_mentions": [[text.index(name), text.index(name) + 3]], "stance": label})
        rows.append({"text": text, "target": "Carl", "target_mentions": [[text.index("Carl"), len(text) - 1]], "stance": "neutral"})
    fitted = fit([labelled_row(row, str(at)) for at, row in enumerate(rows)], Config(folds=2, search=True, notions=False))
    assert fitted.heads["stance"].scores["macro_f1"] > 0.95
    model = Model.from_artifact(fitted.artifact, "m")
    text = "They praised Dora in town, then nobody spoke to Emil."
    given = model.decide([Unit(text, "x", ((13, 17),)), Unit(text, "x", ((48, 52),))]).given["stance"]
    assert [model.heads["stance"].labels[at] for at in given.argmax(axis=1)] == ["good", "neutral"]


def test_cuts_of_many_labels_lean_on_each_other() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((1000, 12)) < np.array([0.3] * 6 + [0.004] * 6)
    p = np.clip(0.5 * truth + 0.5 * rng.random((1000, 12)) ** 2, 0, 1)
    p[:, 6:] -= 1.0  # rare labels have lower scores
    cuts = leaning_cuts(p, truth)
    assert np.ptp(cuts[:6]) < 0.05
    assert (cuts[:6] > 0.4).all()
    assert (cuts[6:] < 0).all()
    alone = np.array([leaning_cuts(p[:, [at]], truth[:, [at]])[0] for at in range(6, 12)])
    assert np.ptp(cuts[6:]) < np.ptp(alone)


def test_actors_are_masked_only_where_a_stance_is_about_one() -> None:
    topics = [labelled_row({"text": "Iran and Syria", "topics": ["a"]}, "1")]
    foreign = [labelled_row({"text": "Iran", "stance": "pro", "target": "opera"}, "1")]
    ours = [*foreign, labelled_row({"text": "Iran", "stance": "pro"}, "2")]
    assert not registry_for(topics, Config())
    assert not registry_for(foreign, Config())
    assert registry_for(foreign, Config()).default == "opera"
    assert registry_for(ours, Config()).learnt == ("opera",)
    assert "iranian_government" in registry_for(ours, Config())
    assert "iranian_government" in registry_for(topics, Config(actors=True))
