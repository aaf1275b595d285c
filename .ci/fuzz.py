"""Feeds a kernel built with sanitizers hostile text for some seconds, holding its scores to those of NumPy.

Called as `fuzz.py KERNEL.so SECONDS [SEED]`. Texts are cut, joined and spoilt from the corpus and from pieces that mean
something to the kernel; a sanitizer's finding ends the process, a wrong score raises AssertionError naming the text.
"""

import importlib.machinery
import importlib.util
import json
import random
import sys
import threading
import time

import numpy as np


def load_kernel(path: str) -> None:
    """Put the extension module in `path` in the place of the installed one."""
    name = "parastance.predict._kernel"
    loader = importlib.machinery.ExtensionFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[name] = module


PIECES = [
    "Assad", "'s", "’s", "Assads ", " Iran ", " US ", " us ", "U.S. ", "Syrian government ", "Islamic State",
    "ISIS", "Σσς", "İı", "jan 3", "12:30", "3/4/2015", "a@b.c", "@", "www.", "https:", ".com ", "©",
    "opyright", "“", "…", ". The ", '."  New ', "! ", "\n", "\u0661", "\ud800", "\U00010400", "\U0001d413",
    "é", "e\u0301", "\u017fep 3", "\u212a", "  ", "\x00", "\x85", "\u2028", "s", "S", "_", "ǅ", "日本", "ع",
    "\U0010ffff",
]  # fmt: skip


def texts(random_: random.Random, real: list[str], count: int) -> list[str]:
    """Return some texts, most of them odd."""
    found = []
    for _ in range(count):
        text = random_.choice(real)
        kind = random_.randrange(5)
        if kind == 0:
            text = "".join(random_.choices(PIECES, k=random_.randrange(60)))
        elif kind == 1:
            at = random_.randrange(len(text) + 1)
            text = text[:at] + "".join(random_.choices(PIECES, k=random_.randrange(1, 8))) + text[at:]
        elif kind == 2:
            text = "".join(chr(random_.randrange(random_.choice((128, 0x3000, 0x110000)))) for _ in range(40))
        elif kind == 3:
            text = (random_.choice(PIECES) + random_.choice(["", " ", ". "])) * random_.randrange(400)
        else:
            text = text[random_.randrange(len(text)) :] + " " + random_.choice(real)
        found.append(text)
    return found


def rows(random_: random.Random, texts_: list[str]) -> bytes:
    """Return some lines of JSON, most of them odd, some spoilt."""
    lines = []
    for at, text in enumerate(texts_):
        value = random_.choice([0.1, at / 7, -1e-9, {text[:5]: [at]}])
        row = {"id": random_.choice([at, text[:9], None]), "text": text, random_.choice(PIECES): value}
        line = json.dumps(row, ensure_ascii=random_.random() < 0.5).encode("utf-8", "surrogatepass")
        if random_.random() < 0.3:
            cut = random_.randrange(len(line))
            line = line[:cut] + random_.randbytes(random_.randrange(3)) + line[cut + random_.randrange(3) :]
        lines.append(line)
    return b"\n".join(lines)


class Exact:
    """Lends just as much room as lines may take, so that a sanitizer sees a byte beyond it."""

    kept = 0

    def lend(self, size: int) -> memoryview:
        return memoryview(bytearray(size))

    def keep(self, size: int) -> None:
        self.kept += size


def main(path: str, seconds: float, seed: int = 0) -> None:
    """Fuzz until the time is up."""
    load_kernel(path)
    from parastance.predict.chunks import Wanted
    from parastance.predict.compiled import CompiledScorer
    from parastance.predict.inputs import Source
    from parastance.predict.kernel import kernel_module
    from parastance.predict.lines import label_lines
    from parastance.predict.model import Unit, load
    from parastance.predict.plain import PlainScorer
    from parastance.predict.shape import Place
    from parastance.predict.units import Reading
    from parastance.train.collect import Collector, line_shapes
    from parastance.train.data import corpus_files, read_labelled

    model, random_ = load(), random.Random(seed)
    compiled, plain = CompiledScorer(model.blocks, kernel_module()), PlainScorer(model.blocks)
    real = [row.text for row in read_labelled(corpus_files())[::5]]
    collector = Collector(model.registry)
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        batch = texts(random_, real, 40)
        units = [
            Unit(
                text, random_.choice((None, "us_government", "no such one")), ((0, 5), (9, 70)) if random_.random() < 0.2 else None,
                Place(random_.randrange(1, 4), 3) if random_.random() < 0.3 else None,
            )
            for text in batch
        ]  # fmt: skip
        mine, other = compiled.score(units, model.registry, True), plain.score(units, model.registry, True)
        wrong = np.abs(mine.scores - other.scores).max(axis=1) > 1e-5
        assert not wrong.any(), ascii(batch[int(wrong.argmax())])
        assert (mine.known == other.known).all()
        assert (mine.named == other.named).all()
        threads = [threading.Thread(target=compiled.score, args=(units, model.registry, True)) for _ in range(2)]
        for thread in threads:
            thread.start()
        collector.collect(units)
        line_shapes(batch, [unit.place for unit in units])
        for thread in threads:
            thread.join()
        lines, exact = Source("x.jsonl", "x.jsonl", ".jsonl", held=rows(random_, batch)), Exact()
        asked = Reading(), Wanted()
        sizes = [sum(len(found.lines) for found in label_lines(model, lines, *asked, lender)) for lender in (None, exact)]
        assert sizes[0] == exact.kept + sizes[1]
        done += len(units)
    for block in ("words", "masked", "relations"):
        collector.terms(block)
    print(f"{done:,} texts, no finding")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
