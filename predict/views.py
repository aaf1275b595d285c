"""Units to views: a paragraph's tokens with its actors masked, as its heads see them."""

from typing import TYPE_CHECKING

from parastance.predict.features import Views, view
from parastance.predict.targets import Registry, find_mentions, sentence_ends
from parastance.predict.tokens import WORD

if TYPE_CHECKING:
    from parastance.predict.model import Unit


def target_view(unit: "Unit", registry: Registry) -> Views:
    """Return a unit with the roles as seen from its own target."""
    mentions = find_mentions(unit.text, unit.target or registry.default, registry, unit.mentions)
    return view(unit.text, mentions, _ends(unit.text))


def home_view(unit: "Unit", seen: Views, registry: Registry) -> Views:
    """Return a unit with the roles as seen from the default target; `seen`, its `target_view`, where that is the same."""
    if at_home(unit, registry):
        return seen
    return view(unit.text, find_mentions(unit.text, registry.default, registry), _ends(unit.text))


def at_home(unit: "Unit", registry: Registry) -> bool:
    """Return whether all heads see a unit alike: no other target was asked for, and none was marked by hand."""
    return unit.mentions is None and unit.target in (None, registry.default)


def _ends(text: str) -> list[int]:
    return sentence_ends(text, [(match.start(), match.end(), match.group()) for match in WORD.finditer(text)])
