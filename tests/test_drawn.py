"""Rows drawn at random, rows chosen for being uncertain: what each stands for, and what may be promised of an archive by them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from parastance.train.certify import bounds, certify, design_effect
from parastance.train.config import Config
from parastance.train.data import LabelledRow, corpus_files, labelled_row, read_labelled
from parastance.train.decisions import Sample, certificates, choose_curves, decisive_head
from parastance.train.drawn import AUDIT, REAL_NAMED, UNCERTAIN, counts_for_stance, origins, stands_for
from parastance.train.fit import fit
from parastance.train.scoring import Decided


def row(**more: Any) -> LabelledRow:
    return labelled_row({"text": "Talks failed.", "topics": ["talks"], **more}, "r")


ORIGINS = [
    ({}, "written"),
    ({"set": "MUC-4"}, "real"),
    ({"queue": "uncertain"}, UNCERTAIN),
    ({"queue": "uncertain", "sampling_probability": ""}, UNCERTAIN),
    ({"queue": "audit", "sampling_probability": 0.1}, AUDIT),
    ({"sampling_probability": "0.25"}, AUDIT),
]


@pytest.mark.parametrize(("fields", "expected"), ORIGINS)
def test_where_a_row_comes_from(fields: dict[str, Any], expected: str) -> None:
    assert origins([row(**fields)]).tolist() == [expected]


def test_a_row_stands_for_one_over_its_chance() -> None:
    rows = [row(), row(sampling_probability=0.1), row(sampling_probability=0.05), row(queue="uncertain")]
    assert stands_for(rows).tolist() == pytest.approx([1, 2 / 3, 4 / 3, 1])
    assert stands_for(rows[:1]).tolist() == [1]


@pytest.mark.parametrize("value", [0, -0.5, 1.5, "often", [0.1], float("nan")])
def test_a_chance_that_is_none_breaks_the_row(value: Any) -> None:
    with pytest.raises(ValueError, match="`sampling_probability` must be above 0 and at most 1"):
        row(sampling_probability=value)


def test_equal_weights_change_nothing_and_unequal_ones_cost_rows() -> None:
    right = np.arange(200) % 10 > 0
    groups = np.arange(200) // 2
    assert bounds(right, groups, np.full(200, 3.0)) == pytest.approx(bounds(right, groups))
    skewed = np.where(np.arange(200) % 20 < 10, 1.0, 9.0)
    assert design_effect(right, np.arange(200), skewed) > 1.5
    kish = 200 * (skewed @ skewed) / skewed.sum() ** 2
    assert design_effect(np.ones(200, dtype=bool), np.arange(200), skewed) == pytest.approx(kish)
    low, high = bounds(right, np.arange(200), skewed)
    assert low < bounds(right, np.arange(200))[0] < bounds(right, np.arange(200))[1] < high


def archive(rng: np.random.Generator, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Probabilities of a model that is too sure of itself in an archive: given the label, it is right less often than it says."""
    p = rng.uniform(0.5, 1, n)
    return p, rng.random(n) < 0.62 + 0.33 * (p - 0.5) / 0.5


def test_the_promise_holds_on_the_archive_after_training_on_a_queue() -> None:
    """Easy rows of one's own, a queue of an archive: unlike pooled rows, those drawn at random keep the promise there.

    Half of the audit stands for four times as many rows as the other half, and errs more.
    """
    wanted, runs, broken, pooled, levels = 0.8, 100, 0, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        own = rng.uniform(0.5, 1, 600)
        p, truth = archive(rng, 6000)
        thin = truth & (rng.random(6000) < 0.5) | (rng.random(6000) < 0.2)  # drawn with a fourth of the others' chance
        chance = np.where(thin, 0.03, 0.12)
        drawn = rng.random(6000) < chance
        unsure = ~drawn & (np.abs(p - 0.55) < 0.02)
        probability = np.concatenate([own, p[drawn], p[unsure]])
        right = np.concatenate([rng.random(600) < 0.97, truth[drawn], truth[unsure]])
        where = np.repeat(["written", AUDIT, UNCERTAIN], [600, drawn.sum(), unsure.sum()])
        weight = np.concatenate([np.ones(600), (1 / chance[drawn]) / (1 / chance[drawn]).mean(), np.ones(unsure.sum())])
        n = len(right)
        nobody = np.zeros(n, dtype=np.int64)
        sample = Sample(("a",), False, 0, probability[:, None], right[:, None], nobody, np.arange(n), where, weight)
        said = Decided(probability[:, None], np.ones((n, 1), dtype=bool), np.ones((n, 1), dtype=bool))
        (found,) = certificates(sample, said, wanted)
        level = certify(probability, right, np.ones(n, dtype=bool), wanted).level
        levels += not np.isnan(found.level)
        broken += not np.isnan(found.level) and truth[p >= found.level].mean() < wanted
        pooled += not np.isnan(level) and truth[p >= level].mean() < wanted
    assert broken <= 0.05 * runs + 2 * (0.05 * 0.95 * runs) ** 0.5
    assert pooled > 0.2 * runs
    assert levels > 0.5 * runs


def test_rows_chosen_for_being_uncertain_judge_nothing() -> None:
    n = 200
    right = np.arange(n) < 100
    where = np.repeat(["written", UNCERTAIN], [100, 100])
    every = np.ones((n, 1), dtype=bool)
    sample = Sample(
        ("a",), False, 0, np.full((n, 1), 0.9), right[:, None], np.zeros(n, dtype=np.int64), np.arange(n), where, np.ones(n)
    )
    (found,) = certificates(sample, Decided(np.full((n, 1), 0.9), every, every), 0.9)
    assert (found.given, found.right, found.by_origin) == (100, 100, {})
    assert found.level <= 0.9


def test_training_judges_by_the_rows_drawn_at_random() -> None:
    rows = read_labelled(corpus_files())[::30]
    third = len(rows) // 3
    fields = [{"sampling_probability": 0.02}] * third + [{"queue": "uncertain"}] * third + [{}] * (len(rows) - 2 * third)
    fitted = fit([replace(one, fields=more) for one, more in zip(rows, fields, strict=True)], Config(folds=2, slices=False))
    found = fitted.heads["topics"].certificates[0]
    assert set(found.by_origin) == {AUDIT, "written"}
    assert found.given == sum(part["given"] for part in found.by_origin.values()) < len(fitted.heads["topics"].rows)


@pytest.mark.parametrize(
    ("sets", "named", "expected"),
    [
        ((None, "FNC-1", "FNC-1"), (True, True, False), [1, REAL_NAMED, 1]),
        (("FNC-1", "FNC-1"), (True, False), [1, 1]),
        ((None, None), (True, False), [1, 1]),
    ],
)
def test_real_paragraphs_that_name_the_target_count_more_beside_written_ones(
    sets: tuple[str | None, ...], named: tuple[bool, ...], expected: list[int]
) -> None:
    rows = [labelled_row({"text": "Talks failed.", **({"set": name} if name else {})}, str(at)) for at, name in enumerate(sets)]
    assert counts_for_stance(rows, np.array(named)).tolist() == expected


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_row_that_counts_three_times_is_three_rows(exclusive: bool) -> None:
    rng = np.random.default_rng(7)
    truth = np.eye(3, dtype=bool)[rng.integers(0, 3, 400)]
    scores = rng.normal(size=(400, 3)) + 1.5 * truth
    counts = rng.integers(1, 4, 400)
    fold, origins = np.arange(400) % 4, np.full(400, "written")
    sample = Sample(("a", "b", "c"), exclusive, 0, scores, truth, fold, np.arange(400), origins, np.ones(400), counts=counts)
    repeated = replace(sample, counts=None).part(np.repeat(np.arange(400), counts))
    once, thrice = decisive_head(sample), decisive_head(repeated)
    for name in ("slope", "shift", "cut"):
        assert np.array_equal(getattr(once, name), getattr(thrice, name))
    assert not np.array_equal(once.shift, decisive_head(replace(sample, counts=None)).shift)
    assert choose_curves(sample) == choose_curves(repeated)
