"""How one head is learnt: its blocks of features, its regularisation and what else can be chosen for it."""

from dataclasses import asdict, dataclass
from typing import Any

from parastance.predict.blocks import WRITTEN

# Which blocks each head sees; the stance head sees the target and its context.
BLOCKS = {
    "topics": ("masked", "relations", "subwords", "notions"),
    "kind": ("masked", "subwords", "shape"),
    "stance": ("masked", "relations", "links"),
}
KNOWN_BLOCKS = ("masked", "relations", "frames", "links", "names", "clauses", "subwords", "notions", "shape", *WRITTEN)
KEPT_AS = {"links": "frames"}  # which block of a model file holds those that prediction need not tell apart

# What cross-validation may choose from (see `search`), the plainest first.
BLOCK_CHOICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "topics": (("masked",), ("masked", "subwords"), ("masked", "relations", "subwords")),
    "kind": (BLOCKS["kind"],),
    "stance": (
        ("masked", "relations"),
        ("masked", "subwords"),
        ("masked", "relations", "subwords"),
        ("masked", "frames", "names", "subwords"),
        ("masked", "frames", "names", "clauses", "subwords"),
    ),
}
WRITTEN_CHOICES = (  # of stance, beside the others, where rows are few
    ("masked", "subwords", "categories"),
    ("masked", "subwords", "surface", "spelling"),
    ("masked", "subwords", "surface", "spelling", "categories"),
    ("masked", "frames", "names", "clauses", "subwords", "categories"),
)
C_CHOICES = (0.3, 1.0, 3.0, 10.0, 30.0)
NAMED_CHOICES = (1.0, 2.0, 4.0)
NGRAM_CHOICES = (2, 1)  # words alone save nothing at prediction
OWN_CHOICES = (0.0, 1.0, 3.0)
DIFFUSION_CHOICES = (0.0, 0.6)  # 0.3 to 1.2 are as good on SemEval-2016


@dataclass(frozen=True)
class Recipe:
    """Settings of one head.

    blocks: what it sees. C: inverse regularisation. hinge: support vector machines instead of logistic regressions, for labels
    each learnt alone, with a tenth of C. ngrams: whether it sees words alone or word pairs too. named: how much more the words
    of a label's own name count (see `emphasis`). naive_bayes: features scaled by log-count ratios, of each label where they are
    learnt alone, else of all in common. balanced: rare labels weigh more, by the square root of the ratio. pooled: the
    strongest sentence adds its share. one_vs_rest: an exclusive head as one classifier a label instead of one multinomial
    regression; faster, and as good where labels are few. own: how much a target's own copy of the features counts beside the
    shared copy (Daumé 2007, "Frustratingly easy domain adaptation", ACL, where it is 1); 0: no copies. at_least_one: where
    every row of the data has a topic, whether each paragraph may be given one, which is then done where it raises F1.
    unnamed_neutral: whether all texts that do not name the target may be called neutral, likewise. diffusion: how much the
    weights of features that stand in the same rows lean on one another (see `diffusion`); 0: not at all. rarest: in how many
    rows a term must stand at least, the same for all heads; None: as `vectors.rarest` has it.
    """

    blocks: tuple[str, ...]
    C: float = 3.0
    hinge: bool = False
    ngrams: int = 2
    named: float = 1.0
    naive_bayes: bool = False
    balanced: bool = False
    pooled: bool = True
    one_vs_rest: bool = False
    own: float = 0.0
    at_least_one: bool = True
    unnamed_neutral: bool = True
    diffusion: float = 0.0
    rarest: int | None = None

    def told(self) -> dict[str, Any]:
        """Return the settings as a manifest tells them, the last two only where they are not what they are by default."""
        found = {**asdict(self), "blocks": list(self.blocks)}
        for name in ("diffusion", "rarest"):
            if not found[name]:
                del found[name]
        return found


def default_recipe(head: str, c: float, notions: bool) -> Recipe:
    """Return the recipe of the shipped model, which was chosen on the shipped corpus (see seeds/README.md)."""
    blocks = tuple(block for block in BLOCKS[head] if notions or block != "notions")
    return Recipe(blocks, c, naive_bayes=head == "topics", pooled=head != "kind")
