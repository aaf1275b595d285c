"""A loaded model: paragraphs in, labels out.

Holds the blocks and heads of an artifact and runs them over chunks of paragraphs. Scores stay arrays; records are made
from `Labels` one by one when they are wanted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parastance.predict.artifact import model_name, read_artifact
from parastance.predict.blocks import ORDER, Blocks
from parastance.predict.errors import UsageError
from parastance.predict.heads import Head
from parastance.predict.kernel import Scorer, kernel_module, make_scorer
from parastance.predict.scorer import Matrix, Scored
from parastance.predict.shape import Place
from parastance.predict.store import find_store, model_in_use
from parastance.predict.targets import Registry, parse_target, read_registry

if TYPE_CHECKING:
    from parastance.predict.judging import CompiledJudge

CHUNK = 2000  # paragraphs scored at once


class Unit(NamedTuple):
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
    """The runtime of one artifact. Make it with `load`. Any number of threads may label with it at once."""

    name: str
    registry: Registry
    heads: dict[str, Head]
    blocks: Blocks
    folder: Path | None = None

    @classmethod
    def from_artifact(cls, artifact: dict[str, Any], name: str, folder: Path | None = None) -> "Model":
        """Return the model that an artifact's dict describes."""
        heads = {key: Head.from_artifact(value) for key, value in artifact["heads"].items()}
        codebook = artifact["codebook"]
        registry = Registry(
            (parse_target(key, table, "model") for key, table in codebook["targets"].items()), codebook["default"],
            codebook.get("learnt", ()),
        )  # fmt: skip
        return cls(name, registry, heads, Blocks(heads, artifact["blocks"], artifact.get("own", {})), folder)

    def blocks_for(self, unit: Unit) -> Blocks:
        """Return the blocks that score a unit: with its target's own stance weights, where there are any."""
        name = unit.target or self.registry.default
        if name not in self.blocks.own:
            return self.blocks
        if name not in self._blocks:
            self._blocks[name] = self.blocks.of_target(name)
        return self._blocks[name]

    def scored(self, units: Sequence[Unit], pool: bool) -> Scored:
        """Return the scores of some units, each by its target's weights; see `plain.PlainScorer.score`."""
        blocks = [self.blocks_for(unit) for unit in units] if self.blocks.own else []
        if all(one is blocks[0] for one in blocks):
            return self._scorer(blocks[0] if blocks else self.blocks).score(units, self.registry, pool)
        n = len(units)
        found = Scored(np.empty((n, self.blocks.width)), np.empty(n, np.bool_), np.empty(n, np.bool_))
        for one in {id(one): one for one in blocks}.values():
            rows = np.flatnonzero([other is one for other in blocks])
            part = self._scorer(one).score([units[at] for at in rows.tolist()], self.registry, pool)
            found.scores[rows], found.known[rows], found.named[rows] = part.scores, part.known, part.named
        return found

    def _scorer(self, blocks: Blocks) -> Scorer:
        found = self._scorers.get(id(blocks))
        if found is None:
            found = self._scorers[id(blocks)] = make_scorer(blocks)
        return found

    @cached_property
    def _blocks(self) -> dict[str, Blocks]:
        return {}

    @cached_property
    def _scorers(self) -> dict[int, Scorer]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind the scorers and the judge, which are made anew where the model is unpickled."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_scorers", "_blocks", "_compiled_judge")}

    def target(self, name: str | None) -> str:
        """Return the name of the target meant by --target: one of the registry or of the training data, or a TOML file that is
        added to the registry.

        Raises UsageError for a name that the registry lacks.
        """
        if name is None or name in self.registry or name in self.registry.learnt:
            return name or self.registry.default
        if name.endswith(".toml"):
            own = read_registry(Path(name))
            self.registry.update(own)
            return own.default
        known = ", ".join([*self.registry, *self.registry.learnt])
        raise UsageError(f"--target {name}: no such target; there are {known}, or name a .toml file that holds your own")

    def scores(self, units: Sequence[Unit], pool: bool = True) -> dict[str, Matrix]:
        """Return the scores per head, float64 of shape (n, k), of n units: with the bias, before calibration.

        pool: add the strongest sentence's share to topics and stance (see `sentences`), which `decide` does.
        """
        scores = self.scored(units, pool).scores
        return {name: scores[:, self.blocks.columns[name]] for name in self.heads}

    def decide(self, units: Sequence[Unit]) -> Labels:
        """Return the labels of some units, scored as one chunk."""
        return self._labels(self.scored(units, True), [unit.target or self.registry.default for unit in units])

    def decide_texts(self, texts: list[str], target: str | None = None) -> Labels:
        """Return the labels of some texts, scored as one chunk, all asked of one target: `decide` without a unit a text.

        Chunks of about CHUNK texts are fastest. Raises TypeError where a text is not a string.
        """
        name = target or self.registry.default
        scorer = self._scorer(self.blocks_for(Unit("", name)))
        return self._labels(scorer.score_texts(texts, self.registry, name), [name] * len(texts))

    def score_lines(self, lines: Any, n: int, target: str | None) -> tuple[Matrix, NDArray[np.uint8]]:
        """Return (scores, flags) of the n texts that the kernel has read as lines (see `lines`), all asked of one target."""
        name = target or self.registry.default
        scorer: Any = self._scorer(self.blocks_for(Unit("", name)))
        found: tuple[Matrix, NDArray[np.uint8]] = scorer.score_lines(lines, n, self.registry, name)
        return found

    def _labels(self, scored: Scored, targets: list[str]) -> Labels:
        heads, judge = self._compiled_judge
        if heads.keys() != self.heads.keys() or any(heads[name] is not head for name, head in self.heads.items()):
            del self._compiled_judge
            heads, judge = self._compiled_judge
        if judge is None:
            return self._judge(scored, targets)
        return Labels(*judge(scored), targets, scored.named, scored.known)

    @cached_property
    def _compiled_judge(self) -> tuple[dict[str, Head], "CompiledJudge | None"]:
        """The heads and what judges by them, None where that is left to NumPy."""
        module = kernel_module()
        if module is None or not set(self.heads) <= set(ORDER):
            return dict(self.heads), None
        from parastance.predict.judging import CompiledJudge

        return dict(self.heads), CompiledJudge(self.blocks, self.heads, module)

    def _judge(self, scored: Scored, targets: list[str]) -> Labels:
        columns, known = self.blocks.columns, scored.known
        probabilities = {name: head.probabilities(scored.scores[:, columns[name]]) for name, head in self.heads.items()}
        given = {name: head.decide(probabilities[name], scored.named) for name, head in self.heads.items()}
        certain = {name: head.certain(probabilities[name]) for name, head in self.heads.items()}
        for name, head in self.heads.items():
            silent = ~known
            if name != "kind" and "kind" in self.heads:
                silent = silent | given["kind"][:, self.boilerplate]
            head.silence(given[name], silent)
            certain[name][~known] = False
        return Labels(probabilities, given, certain, targets, scored.named, known)

    @property
    def boilerplate(self) -> int:
        """The index of the kind that has neither topics nor stance; there is always one in a kind head."""
        return self.heads["kind"].labels.index("boilerplate")

    def label(self, texts: Any, target: str | None = None, explain: bool = False, text_field: str = "text") -> Any:
        """Return one record a text, as the contract has it but for the fields that name a document.

        texts: a list of strings or a column of them (a pandas or Polars Series, an Arrow array); of a frame (pandas, Polars,
        an Arrow table, or what else speaks the Arrow PyCapsule interface) the column `text_field` is labelled and the frame
        comes back with the labels as columns, see `arrow.label_frame`. Raises UsageError for an unknown target, TypeError where
        a text is not a string, KeyError where a frame has no such column.
        """
        from parastance.predict.records import labelled

        if hasattr(texts, "__arrow_c_stream__") or hasattr(texts, "__arrow_c_array__"):
            from parastance.predict.arrow import is_frame, label_frame, texts_of

            if is_frame(texts):
                if explain:
                    raise TypeError("explain=True is for lists of strings")
                return label_frame(self, texts, text_field, target)
            texts = texts_of(texts)
        texts = texts if isinstance(texts, str) else list(texts)  # a generator can be gone through but once
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise TypeError("label() takes a list of strings")
        name = self.target(target)
        units = [Unit(text, name) for text in texts]
        return [record for chunk in chunks(units) for record in labelled(self, chunk, explain)]

    def label_batches(self, batches: Iterable[Any], text_field: str = "text", target: str | None = None) -> Iterator[Any]:
        """Yield Arrow record batches with labels for Arrow record batches with texts; see `arrow.label_batches`."""
        from parastance.predict.arrow import label_batches

        return label_batches(self, batches, text_field, target)


def chunks(units: Sequence[Unit], size: int = CHUNK) -> Iterator[Sequence[Unit]]:
    """Yield slices of `size` units."""
    for start in range(0, len(units), size):
        yield units[start : start + size]


def load(folder: str | Path | None = None, store: str | Path | None = None) -> Model:
    """Return the model in `folder`, by default the one in use in the store (`store.find_store`), which is the shipped one
    where the store says nothing. Numpy is all it imports.

    Raises ModelError where the folder holds no model, a damaged one, or one that is more than arrays.
    """
    path = model_in_use(find_store(store)) if folder is None else Path(folder)
    artifact, manifest = read_artifact(path)
    return Model.from_artifact(artifact, model_name(path, manifest), path)
