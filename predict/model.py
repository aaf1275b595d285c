"""A loaded model: paragraphs in, labels out.

Holds the blocks and heads of an artifact and runs them over chunks of paragraphs. Scores stay arrays; records are made
from `Labels` one by one when they are wanted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict.artifact import model_name, read_artifact, unpack_terms
from parastance.predict.errors import UsageError
from parastance.predict.features import Views, ngrams, relations, view
from parastance.predict.heads import Head
from parastance.predict.scorer import Bag, Matrix, Subwords
from parastance.predict.sentences import owners, split_sentences, strongest
from parastance.predict.shape import Place, shapes
from parastance.predict.store import find_store, model_in_use
from parastance.predict.targets import TARGET, Registry, find_mentions, parse_target, read_registry

STANCE, OTHERS = ("stance",), ("topics", "kind")  # heads that see the target asked for, and those that see the default
HEADS = (*STANCE, *OTHERS)
CHUNK = 1000  # paragraphs scored at once
TERMS: dict[str, Callable[[Views], list[str]]] = {
    "notions": lambda seen: seen.tokens,
    "masked": lambda seen: ngrams(seen.masked),
    "relations": lambda seen: relations(seen.masked),
}


@dataclass(frozen=True)
class Unit:
    """One paragraph to label, with what is known of it beside its text."""

    text: str
    target: str | None = None
    mentions: tuple[tuple[int, int], ...] | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Labels:
    """What a model says of n paragraphs.

    probabilities, given, certain: per head, arrays of shape (n, k); targets: n names; named: bool (n,), whether the
    target is mentioned; known: bool (n,), whether any term of the paragraph is known to the model.
    """

    probabilities: dict[str, Matrix]
    given: dict[str, NDArray[np.bool_]]
    certain: dict[str, NDArray[np.bool_]]
    targets: list[str]
    named: NDArray[np.bool_]
    known: NDArray[np.bool_]


@dataclass
class Model:
    """The runtime of one artifact. Make it with `load`."""

    name: str
    registry: Registry
    heads: dict[str, Head]
    bags: dict[str, Bag]
    subwords: Subwords | None
    shape_weights: Matrix | None
    columns: dict[str, dict[str, slice]] = field(default_factory=dict)
    folder: Path | None = None

    @classmethod
    def from_artifact(cls, artifact: dict[str, Any], name: str, folder: Path | None = None) -> "Model":
        """Return the model that an artifact's dict describes."""
        heads = {key: Head.from_artifact(value) for key, value in artifact["heads"].items()}
        blocks = artifact["blocks"]
        bags = {
            key: Bag(unpack_terms(blocks[key]["terms"]), blocks[key]["idf"], blocks[key]["weights"])
            for key in TERMS
            if key in blocks
        }
        grams = blocks.get("subwords")
        subword_block = Subwords(unpack_terms(grams["terms"]), grams["idf"], grams["weights"]) if grams else None
        shape_block = blocks.get("shape")
        codebook = artifact["codebook"]
        registry = Registry(
            (parse_target(key, table, "model") for key, table in codebook["targets"].items()), codebook["default"]
        )
        columns: dict[str, dict[str, slice]] = {}
        for key, block in blocks.items():
            at = 0
            columns[key] = {}
            for head in block["heads"]:
                width = len(heads[head].bias)
                columns[key][head] = slice(at, at + width)
                at += width
        weights = np.asarray(shape_block["weights"], np.float64) if shape_block else None
        return cls(name, registry, heads, bags, subword_block, weights, columns, folder)

    def target(self, name: str | None) -> str:
        """Return the name of the target meant by --target: a registry name, or a TOML file that is added to the registry.

        Raises UsageError for a name that the registry lacks.
        """
        if name is None or name in self.registry:
            return name or self.registry.default
        if name.endswith(".toml"):
            own = read_registry(Path(name))
            self.registry.update(own)
            return own.default
        raise UsageError(
            f"--target {name}: no such target; there are {', '.join(self.registry)}, or name a .toml file "
            "that holds your own"
        )

    def views(self, units: Sequence[Unit]) -> list[Views]:
        """Return what the stance head sees of the units: the roles as seen from each one's target."""
        return [target_view(unit, self.registry) for unit in units]

    def scores(self, units: Sequence[Unit], seen: Sequence[Views]) -> tuple[dict[str, Matrix], NDArray[np.bool_]]:
        """Return (scores per head with the bias added, whether any word or word pair is known) of n units.

        seen: their `views`.
        """
        totals = {name: np.tile(head.bias, (len(units), 1)) for name, head in self.heads.items()}
        known = np.zeros(len(units), dtype=np.bool_)
        home = [home_view(unit, views, self.registry) for unit, views in zip(units, seen, strict=True)]
        alike = all(a is b for a, b in zip(seen, home, strict=True))
        for name, bag in self.bags.items():
            rows = [bag.look_up(TERMS[name](views)) for views in seen]
            scored = bag.score(rows)
            self._add(totals, name, scored, STANCE)
            away = scored if alike else bag.score([bag.look_up(TERMS[name](views)) for views in home])
            self._add(totals, name, away, OTHERS)
            if name == "masked":
                known |= np.fromiter(map(bool, rows), np.bool_, len(rows))
        if self.subwords is not None:
            self._add(totals, "subwords", self.subwords.score([views.tokens for views in seen]))
        if self.shape_weights is not None:
            lines = shapes([unit.text for unit in units], [unit.place for unit in units])
            self._add(totals, "shape", lines @ self.shape_weights)
        return totals, known

    def _add(self, totals: dict[str, Matrix], block: str, values: Matrix, heads: Sequence[str] = HEADS) -> None:
        for head, columns in self.columns[block].items():
            if head in heads:
                totals[head] += values[:, columns]

    def pooled(self, units: Sequence[Unit], seen: Sequence[Views]) -> tuple[dict[str, Matrix], NDArray[np.bool_]]:
        """Return what `scores` does, with the strongest sentence's share added to topics and stance."""
        scores, known = self.scores(units, seen)
        parts, owner = sentence_units(units)
        theirs = self.scores(parts, self.views(parts))[0] if parts else {}
        for name, head in self.heads.items():
            if name != "kind":
                sentences = theirs.get(name, np.zeros((0, len(head.labels))))
                scores[name], _ = strongest(scores[name], sentences, owner, head.reference)
        return scores, known

    def decide(self, units: Sequence[Unit]) -> Labels:
        """Return the labels of some units, scored as one chunk."""
        seen = self.views(units)
        targets = [unit.target or self.registry.default for unit in units]
        scores, known = self.pooled(units, seen)
        probabilities = {name: head.probabilities(scores[name]) for name, head in self.heads.items()}
        given = {name: head.decide(probabilities[name]) for name, head in self.heads.items()}
        certain = {name: head.certain(probabilities[name]) for name, head in self.heads.items()}
        for name, head in self.heads.items():
            silent = ~known
            if name != "kind" and "kind" in self.heads:
                silent = silent | given["kind"][:, self.boilerplate]
            head.silence(given[name], silent)
            certain[name][~known] = False
        named = np.fromiter((TARGET in views.masked for views in seen), np.bool_, len(seen))
        return Labels(probabilities, given, certain, targets, named, known)

    @property
    def boilerplate(self) -> int:
        """The index of the kind that has neither topics nor stance; there is always one in a kind head."""
        return self.heads["kind"].labels.index("boilerplate")

    def label(
        self, texts: Sequence[str], target: str | None = None, explain: bool = False
    ) -> list[dict[str, Any]]:
        """Return one record a text, as the contract has it but for the fields that name a document.

        Raises UsageError for an unknown target, TypeError where a text is not a string.
        """
        from parastance.predict.records import labelled

        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise TypeError("label() takes a list of strings")
        name = self.target(target)
        units = [Unit(text, name) for text in texts]
        return [record for chunk in chunks(units) for record in labelled(self, chunk, explain)]

    def label_batches(self, batches: Iterable[Any], text_field: str = "text", target: str | None = None) -> Iterator[Any]:
        """Yield Arrow record batches with labels for Arrow record batches with texts; see `arrow.label_batches`."""
        from parastance.predict.arrow import label_batches

        return label_batches(self, batches, text_field, target)


def target_view(unit: Unit, registry: Registry) -> Views:
    """Return a unit with the roles as seen from its own target."""
    return view(unit.text, find_mentions(unit.text, unit.target or registry.default, registry, unit.mentions))


def home_view(unit: Unit, seen: Views, registry: Registry) -> Views:
    """Return a unit with the roles as seen from the default target; `seen`, its `target_view`, where that is the same."""
    if unit.mentions is None and unit.target in (None, registry.default):
        return seen
    return view(unit.text, find_mentions(unit.text, registry.default, registry))


def sentence_units(units: Sequence[Unit]) -> tuple[list[Unit], NDArray[np.int64]]:
    """Return (the sentences, as units, of the units that have several; the index of the unit that each belongs to)."""
    parts: list[Unit] = []
    counts = []
    for unit in units:
        spans = split_sentences(unit.text)
        counts.append(len(spans) if len(spans) > 1 else 0)
        if len(spans) > 1:
            parts.extend(clip(unit, start, end) for start, end in spans)
    return parts, owners(counts)


def clip(unit: Unit, start: int, end: int) -> Unit:
    """Return a slice of a unit, with the mentions that lie in it."""
    mentions = unit.mentions
    if mentions is not None:
        mentions = tuple((max(a, start) - start, min(b, end) - start) for a, b in mentions if a < end and start < b)
    return Unit(unit.text[start:end], unit.target, mentions)


def chunks(units: Sequence[Unit], size: int = CHUNK) -> Iterator[Sequence[Unit]]:
    """Yield slices of `size` units."""
    for start in range(0, len(units), size):
        yield units[start : start + size]


def load(folder: str | Path | None = None, store: str | Path | None = None) -> Model:
    """Return the model in `folder`, by default the one in use in the store (`store.find_store`), which is the shipped one
    where the store says nothing. Numpy and joblib are all it imports.

    Raises ModelError where the folder holds no model, a damaged one, or one that is more than arrays.
    """
    path = model_in_use(find_store(store)) if folder is None else Path(folder)
    artifact, manifest = read_artifact(path)
    return Model.from_artifact(artifact, model_name(path, manifest), path)
