"""Who is named: words, capitals and possessives; the longest alias; time linear in the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parastance.predict.errors import UsageError
from parastance.predict.features import framed, frames, own_names
from parastance.predict.model import Unit
from parastance.predict.targets import (
    ADVERSARY,
    ALLY,
    JIHADIST,
    TARGET,
    THIRD,
    Registry,
    Target,
    find_mentions,
    parse_target,
    read_registry,
)  # fmt: skip
from parastance.predict.views import target_view

REGISTRY = read_registry()

# (text, what of it is a mention of the Assad government)
CASES = [
    ("President Bashar al-Assad spoke.", ["President Bashar al-Assad"]),
    ("Assad's army left.", ["Assad's"]),
    ("Assad’s army left.", ["Assad’s"]),
    ("Assads army left.", ["Assads"]),
    ("Damascus's ally", ["Damascus's"]),
    ("The Syrian government and the Syrian army", ["Syrian government", "Syrian army"]),
    ("ASSAD MUST GO", ["ASSAD"]),
    ("assad must go", ["assad"]),
    ("Old damascus steel from Aleppo.", []),
    ("Assadullah came.", []),
    ("The Assadists", ["Assadists"]),
    ("Syrian bread is good.", []),
    ("regime troops", ["regime troops"]),
    ("Al-Assad", ["Al-Assad"]),
    ("", []),
]


@pytest.mark.parametrize(("text", "wanted"), CASES, ids=[case[0] or "empty" for case in CASES])
def test_mentions(text: str, wanted: list[str]) -> None:
    found = find_mentions(text, "assad_government", REGISTRY)
    assert [text[m.start : m.end] for m in found if m.role == TARGET] == wanted


ROLES = [
    ("Iran", "assad_government", ALLY), ("Iran", "us_government", ADVERSARY), ("Iran", "iranian_government", TARGET),
    ("The US", "assad_government", ADVERSARY), ("US", "israeli_government", ALLY), ("ISIS", "assad_government", JIHADIST),
    ("ISIS", "islamic_state", TARGET), ("the United Nations", "hezbollah", THIRD), ("Zelensky", "russian_government", ADVERSARY),
]  # fmt: skip


@pytest.mark.parametrize(("text", "target", "role"), ROLES)
def test_roles_follow_the_target(text: str, target: str, role: str) -> None:
    assert [mention.role for mention in find_mentions(text, target, REGISTRY)] == [role]


def test_us_is_not_us() -> None:
    assert find_mentions("They told us it is over.", "us_government", REGISTRY) == []


def test_given_offsets_are_the_only_mentions() -> None:
    text = "She met Assad and he thanked her."
    found = find_mentions(text, "she", REGISTRY, [(0, 3)])
    assert [(text[m.start : m.end], m.role) for m in found if m.role == TARGET] == [("She", TARGET)]
    assert find_mentions("Assad spoke.", "assad_government", REGISTRY, []) == []


def test_the_registry_names_its_actors() -> None:
    wanted = {
        "assad_government", "iranian_government", "russian_government", "us_government", "syrian_opposition", "hezbollah",
        "israeli_government", "ukrainian_government", "islamic_state",
    }  # fmt: skip
    assert wanted <= set(REGISTRY)
    assert REGISTRY.default == "assad_government"
    for target in REGISTRY.values():
        assert len(target.aliases) > 1
        assert set(target.allies) | set(target.adversaries) <= set(REGISTRY)
        assert not set(target.allies) & set(target.adversaries)


@pytest.mark.parametrize("table", [{}, {"aliases": []}, {"aliases": "Assad"}, {"aliases": [1]}, {"aliases": ["--"]}])
def test_a_broken_target_is_named(table: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"mine\.toml: target x"):
        parse_target("x", table, "mine.toml")


@given(st.text(st.sampled_from("Assad al-'s SyrianTUS. \n"), max_size=80))
def test_mentions_are_ordered_whole_words(text: str) -> None:
    mentions = find_mentions(text, "assad_government", REGISTRY)
    for a, b in zip(mentions, mentions[1:], strict=False):
        assert a.end <= b.start
        assert a.last <= b.first
    for mention in mentions:
        assert mention.start == 0 or not text[mention.start - 1].isalnum()
        assert mention.end == len(text) or not text[mention.end].isalnum()


def test_a_target_of_ones_own() -> None:
    own = Target("mayor", ("Anna Berg", "the mayor"))
    registry = Registry([own], "mayor")
    text = "The mayor spoke. Anna Berg's plan failed."
    assert [text[m.start : m.end] for m in find_mentions(text, "mayor", registry)] == ["The mayor", "Anna Berg's"]


FRAMES = [
    ("Mr Orban blamed Assad for it.", "mr <name> blamed <target> for it", {"LL:<name> blamed", "LR:blamed for", "names:1"}),
    ("He said: “Damascus met Jo Day and Al Lavrov.”", "he said <target> met <name> and <name>", {"RR:met <name>", "names:2"}),
    ("ASSAD MET JOHN", "<target> met john", {"names:0", "RR:met john"}),
    ("I met nobody", "i met nobody", {"names:0", "unnamed"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tokens", "terms"), FRAMES, ids=[case[0] for case in FRAMES])
def test_frames_take_names_as_one_token(text: str, tokens: str, terms: set[str]) -> None:
    seen = target_view(Unit(text, "assad_government"), Registry([REGISTRY["assad_government"]], "assad_government"))
    found, starts = framed(seen)
    assert " ".join(found) == tokens
    assert len(starts) == len(found) + 1
    assert terms <= set(frames(seen))


def test_names_are_the_words_the_target_goes_by() -> None:
    seen = target_view(Unit("She thanked President Assad.", None, ((0, 3), (12, 27))), REGISTRY)
    assert own_names(seen) == ["T:she", "T:president", "T:assad", "T:president assad"]
