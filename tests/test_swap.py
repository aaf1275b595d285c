"""Who is meant decides: swapping the target in a text, and in the question, swaps the answer."""

from typing import Any

from benchmarks.zero_shot import HERE, THERE, agreement, swap, swappable

from parastance.predict.targets import TARGET, find_mentions, read_registry
from parastance.train.data import corpus_files, read_labelled

PRAISED = ["praised", "thanked", "congratulated", "sent weapons to", "promised to stand by"]
BLAMED = ["condemned", "imposed sanctions on", "denounced the brutality of", "called for the fall of", "accused of war crimes"]
SPEAKERS = ["The senator", "The bishop of Lyon", "A Norwegian minister", "The committee", "Mr Ortega"]


def test_swapping_the_target_in_a_text_swaps_the_answer(model: Any) -> None:
    rows = [row for row in read_labelled(corpus_files()) if row.stance and row.target in (None, HERE) and row.kind != "boilerplate"]
    texts = swappable(rows, model.registry)
    assert len(texts) >= 200
    stances = {record["stance"] for record in model.label(texts, HERE)}
    assert stances == {"supportive", "opposed", "neutral"}
    assert agreement(model, texts) >= 0.95


def test_the_same_text_answers_for_the_one_who_is_asked_about(model: Any) -> None:
    verbs, names = (*PRAISED, *BLAMED), ("Assad", "Zelensky")
    texts = [f"{who} {verb} President {name}." for who in SPEAKERS for verb in verbs for name in names]
    both = [f"{who} {good} Assad. {who} {bad} Zelensky." for who in SPEAKERS for good, bad in zip(PRAISED, BLAMED, strict=True)]
    texts += both + [swap(text) for text in both]
    assert agreement(model, texts) >= 0.95
    toward = [[record["stance"] for record in model.label(both, target)] for target in (HERE, THERE)]
    assert sum(pair == ("supportive", "opposed") for pair in zip(*toward, strict=True)) >= 0.4 * len(both)


def test_every_swapped_alias_is_found() -> None:
    registry = read_registry()
    for text in ("Assad", "President Assad's army", "Bashar al-Assad’s plane", "Damascus", "the Syrian army"):
        for words, target in ((text, HERE), (swap(text), THERE)):
            (mention,) = find_mentions(f"They saw {words} there.", target, registry)
            assert mention.role == TARGET
