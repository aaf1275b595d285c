"""The dictionary of categories that the `categories` block is made of, as it is shipped."""

from functools import cache

from parastance.predict.dictionary import Dictionary
from parastance.predict.toml_file import read_toml
from parastance.train.data import SEEDS

FILE = SEEDS / "dictionary.toml"


@cache
def read_dictionary() -> Dictionary:
    """Return the shipped dictionary."""
    return Dictionary({name: str(words).split() for name, words in read_toml(FILE).items()})
