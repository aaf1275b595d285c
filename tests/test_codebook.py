"""The codebook: complete, of one mind with itself, and its hard cases put to the shipped model."""

import tomllib
from collections import Counter
from typing import Any

import pytest

from parastance.predict.metrics import label_scores, matrix
from parastance.predict.targets import CODEBOOK, read_registry
from parastance.train.hard_cases import FLOORS

BOOK = tomllib.loads(CODEBOOK.read_text(encoding="utf-8"))
CASES = BOOK["hard_cases"]
TOPICS = ("casualties", "diplomacy", "military_support")
STANCES = ("neutral", "opposed", "supportive")


def test_every_label_is_defined_with_examples_for_and_against() -> None:
    labels = [*BOOK["labels"]["topics"].values(), *BOOK["labels"]["stance"].values(), *BOOK["labels"]["kind"].values()]
    assert len(labels) == 8
    for label in labels:
        assert label["definition"]
        assert len(label["examples_for"]) >= 6
        assert len(label["examples_against"]) >= 6


@pytest.mark.parametrize("case", CASES, ids=[f"{at}-{case['rule']}" for at, case in enumerate(CASES)])
def test_a_hard_case_is_well_formed(case: dict[str, Any]) -> None:
    assert set(case["topics"]) <= set(TOPICS)
    assert case["stance"] in STANCES
    assert case["kind"] in ("content", "boilerplate")
    assert case["rule"] in BOOK["rules"]
    assert case["target"] in read_registry()
    if case["kind"] == "boilerplate":
        assert (case["topics"], case["stance"]) == ([], "neutral")


def test_every_rule_has_its_cases() -> None:
    count = Counter(case["rule"] for case in CASES)
    assert set(count) == set(BOOK["rules"])
    assert min(count.values()) >= 2


def test_the_shipped_model_on_the_hard_cases(model: Any) -> None:
    records = [model.label([case["text"]], target=case["target"])[0] for case in CASES]
    truth = matrix(TOPICS, [case["topics"] for case in CASES])
    given = matrix(TOPICS, [record["topics"] for record in records])
    topics = sum(float(label_scores(truth[:, at], given[:, at])["f1"]) for at in range(3)) / 3
    truth = matrix(STANCES, [[case["stance"]] for case in CASES])
    given = matrix(STANCES, [[record["stance"]] for record in records])
    stance = sum(float(label_scores(truth[:, at], given[:, at])["f1"]) for at in range(3)) / 3
    assert topics >= FLOORS["topics"], f"topics {topics:.3f}"
    assert stance >= FLOORS["stance"], f"stance {stance:.3f}"
