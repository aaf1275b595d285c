"""The dictionary of categories that the `categories` block is made of: the shipped one, or the user's own."""

from collections.abc import Mapping
from pathlib import Path

from parastance.predict.dictionary import Dictionary
from parastance.predict.errors import UsageError
from parastance.predict.toml_file import read_toml
from parastance.train.data import SEEDS

FILE = SEEDS / "dictionary.toml"


def read_dictionary(path: Path = FILE) -> dict[str, str]:
    """Return the words of each category, in lower case, one blank between two.

    Raises UsageError naming the file and the category that is at fault.
    """
    found = {}
    for name, words in read_toml(path).items():
        if not isinstance(words, str) or not words.split():
            raise UsageError(f'{path}: `{name}` must be a string of words, such as {name} = "good lov*"')
        odd = next((word for word in words.split() if not word.removesuffix("*") or "*" in word[:-1]), None)
        if odd is not None:
            raise UsageError(f"{path}: `{name}` holds {odd}: a `*` may stand behind the beginning of a word only")
        if not name.replace("_", "").replace("-", "").isalnum():
            raise UsageError(f"{path}: `{name}`: a category's name is letters, digits, `_` and `-`")
        found[name] = " ".join(words.lower().split())
    return found


def dictionary_of(categories: Mapping[str, str] | None) -> Dictionary:
    """Return a dictionary of some categories; None: the shipped one."""
    given = read_dictionary() if categories is None else categories
    return Dictionary({name: words.split() for name, words in given.items()})
