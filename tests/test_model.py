"""What a loaded model says of paragraphs: records, targets, unknown text, evidence, pickling."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from parastance.predict.errors import UsageError
from parastance.predict.judging import CompiledJudge
from parastance.predict.kernel import kernel_module
from parastance.predict.model import Unit

FIELDS = [
    "text", "kind", "topics", "topic_probabilities", "stance", "stance_probabilities", "target", "target_mentioned",
    "abstained", "model",
]  # fmt: skip


def test_a_record_has_the_fields_of_the_contract(model: Any) -> None:
    record = model.label(["Tehran sent advisers to Damascus."])[0]
    assert list(record) == FIELDS
    assert record["target"] == "assad_government"
    assert record["target_mentioned"] is True
    assert set(record["topic_probabilities"]) == {"military_support", "diplomacy", "casualties"}
    assert sum(record["stance_probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert record["model"].startswith("default@")


CLEAR = [
    ("Russian warplanes bombed rebels in support of the Syrian army, killing 12 people.", "military_support", "supportive"),
    ("The foreign ministers met in Geneva on Monday for talks on a ceasefire.", "diplomacy", "neutral"),
    ("At least 23 civilians were killed and dozens wounded when a car bomb exploded in the market.", "casualties", "neutral"),
    ("Iran will stand by President Bashar al-Assad, its foreign minister said in Damascus.", "diplomacy", "supportive"),
    ("Britain condemned the Assad regime for its brutal massacre of civilians.", "diplomacy", "opposed"),
]


@pytest.mark.parametrize(("text", "topic", "stance"), CLEAR)
def test_clear_paragraphs(model: Any, text: str, topic: str, stance: str) -> None:
    record = model.label([text])[0]
    assert record["kind"] == "content"
    assert topic in record["topics"]
    assert record["stance"] == stance


@pytest.mark.parametrize("text", ["Share this article", "Copyright 2016 Levant Press. All rights reserved.", "Leave a Reply"])
def test_furniture_has_neither_topic_nor_stance(model: Any, text: str) -> None:
    record = model.label([text])[0]
    assert (record["kind"], record["topics"], record["stance"]) == ("boilerplate", [], "neutral")


@pytest.mark.parametrize("text", ["Zzqxv wkjhgf pqrstuvw.", "日本語のテキスト", "Жщ"])
def test_text_of_unknown_terms_gets_no_label(model: Any, text: str) -> None:
    record = model.label([text])[0]
    assert record["topics"] == []
    assert record["stance"] == "neutral"
    assert record["abstained"] == ["neutral"]


def test_line_breaks_do_not_matter(model: Any) -> None:
    text = "Iran will stand by President Bashar al-Assad, its foreign minister said in Damascus."
    a, b = model.label([text, text.replace(" ", "\n")])
    assert a["topic_probabilities"] == b["topic_probabilities"]
    assert a["stance_probabilities"] == b["stance_probabilities"]


def test_another_target_changes_the_stance(model: Any) -> None:
    text = "Russia will stand by President Bashar al-Assad and send more weapons to his army against the rebels."
    assert model.label([text])[0]["stance"] == "supportive"
    assert model.label([text], target="syrian_opposition")[0]["target"] == "syrian_opposition"
    assert model.label([text], target="hezbollah")[0]["target_mentioned"] is False


def test_wrong_use(model: Any) -> None:
    with pytest.raises(UsageError, match="no such target; there are assad_government"):
        model.label(["x"], target="nobody")
    with pytest.raises(TypeError, match="list of strings"):
        model.label("Assad")
    assert model.label([]) == []


def test_the_weights_of_the_evidence_add_up_to_the_score(model: Any) -> None:
    texts = [
        "Russian warplanes bombed rebels in support of Assad’s army; Iran's Assad ally Hezbollah sent fighters, fighters.",
        "Syria",
        "Talks failed in Geneva on Monday. Then Russia sent arms to the Syrian army, which killed 12 rebels near Hama.",
        "Britain condemned the Assad regime.",
    ]
    for text in texts:
        record = model.label([text], explain=True)[0]
        units = [Unit(text)]
        scores = model.scores(units)
        for head, labels in (("topics", record["topics"]), ("stance", [record["stance"]])):
            for label in labels:
                total = sum(item["weight"] for item in record["evidence"] if item["label"] == label)
                wanted = scores[head][0, model.heads[head].labels.index(label)]
                if label == "neutral":
                    wanted = -max(score for score in scores[head][0] if score != wanted)
                assert total == pytest.approx(wanted, abs=1e-4)
        assert all(0 <= item["start"] <= item["end"] <= len(text) for item in record["evidence"])


def test_the_evidence_names_the_words(model: Any) -> None:
    text = "At least 23 civilians were killed when a bomb exploded."
    record = model.label([text], explain=True)[0]
    best = next(item for item in record["evidence"] if item["label"] == "casualties" and item["end"] > 0)
    assert text[best["start"] : best["end"]] in ("killed", "civilians")


def test_a_model_travels_to_other_processes(model: Any) -> None:
    copy = pickle.loads(pickle.dumps(model))
    texts = ["Tehran sent advisers to Damascus.", "Share this"]
    assert copy.label(texts) == model.label(texts)


def test_probabilities_are_float64_of_the_right_shape(model: Any) -> None:
    labels = model.decide([Unit("Talks failed."), Unit("Assad left.")])
    assert labels.probabilities["topics"].shape == (2, 3)
    assert labels.probabilities["topics"].dtype == np.float64
    assert labels.named.tolist() == [False, True]


def test_texts_are_labelled_as_units_are(model: Any) -> None:
    texts = ["Tehran sent advisers to Damascus.", "Assad must go, Obama said.", "", "Share this", "zxqv"]
    for target in (None, "us_government"):
        units, alone = model.decide([Unit(text, target) for text in texts]), model.decide_texts(texts, target)
        assert units.targets == alone.targets
        assert units.named.tolist() == alone.named.tolist()
        for name in model.heads:
            for part in ("probabilities", "given", "certain"):
                assert getattr(units, part)[name].tolist() == getattr(alone, part)[name].tolist()
    with pytest.raises((TypeError, AttributeError)):
        model.decide_texts([None])


def test_a_head_may_be_replaced(model: Any) -> None:
    copy = pickle.loads(pickle.dumps(model))
    units = [Unit("Share this"), Unit("Tehran sent advisers to Damascus.")]
    before = copy.decide(units).probabilities["topics"]
    copy.heads["topics"] = replace(copy.heads["topics"], shift=copy.heads["topics"].shift + 1.0, curves=())
    assert (copy.decide(units).probabilities["topics"] != before).any()


def test_a_judge_takes_arrays_of_its_width_only(model: Any) -> None:
    module = kernel_module()
    if module is None:
        pytest.skip("no kernel was built")
    width = model.blocks.width
    judge = CompiledJudge(model.blocks, model.heads, module)._judge
    good = [bytes(8 * width), bytes(1), bytearray(8 * width), bytearray(width), bytearray(width)]
    judge.rows(*good)
    for at in range(5):
        with pytest.raises(ValueError):
            judge.rows(*good[:at], type(good[at])(len(good[at]) + 1), *good[at + 1 :])
    for arguments in ((0, 0), (width, -1), (width, 9)):
        with pytest.raises(ValueError):
            module.Judge(*arguments, *(None if arguments[1] < 9 else _kinds(), None, None))


def _kinds() -> tuple[Any, ...]:
    """A kind head of two labels as the kernel takes it."""
    return (b"a", b"b"), 0, 0, True, False, False, False, bytes(64), (b"", b"")
