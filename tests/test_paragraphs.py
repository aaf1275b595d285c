"""Plain text to paragraphs: a case table, and what must hold for any text."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parastance.predict.paragraphs import split_paragraphs

LONG = (
    "The ministry said on Tuesday that two battalions would leave the border province before the end of the month, "
    "and that the rest of the brigade would follow as soon as the monitors had reached their posts along the river."
)
OTHER = (
    "A spokesman for the governor told reporters that nobody in the province had been asked, that the talks had been "
    "held far from it, and that the mayors of the four towns along the road would meet on Friday to decide what to do."
)


def wrapped(width: int, *paragraphs: str, between: str = "\n\n", indent: str = "") -> str:
    return between.join(textwrap.fill(paragraph, width, initial_indent=indent) for paragraph in paragraphs)


# (what, document, the paragraphs with line breaks inside them shown as spaces)
CASES = [
    ("empty", "", []),
    ("white space only", " \n\t\n  ", []),
    ("one line, no line end", "Talks failed.", ["Talks failed."]),
    ("one line, line end", "Talks failed.\n", ["Talks failed."]),
    ("one-line article", LONG + " " + OTHER, [LONG + " " + OTHER]),
    ("one line a paragraph", f"{LONG}\n{OTHER}\n", [LONG, OTHER]),
    ("blank lines between", f"{LONG}\n\n{OTHER}\n", [LONG, OTHER]),
    ("several blank lines", f"{LONG}\n\n\n\n{OTHER}", [LONG, OTHER]),
    ("blank lines with blanks", f"{LONG}\n  \t \n{OTHER}", [LONG, OTHER]),
    ("CRLF", f"{LONG}\r\n\r\n{OTHER}\r\n", [LONG, OTHER]),
    ("CR alone", f"{LONG}\r{OTHER}", [LONG, OTHER]),
    ("mixed endings", f"{LONG}\r\n{OTHER}\n{LONG}\r{OTHER}", [LONG, OTHER, LONG, OTHER]),
    ("Unicode line and paragraph separators", f"{LONG}\u2028{OTHER}\u2029{LONG}", [LONG, OTHER, LONG]),
    ("form feed", f"{LONG}\f{OTHER}", [LONG, OTHER]),
    ("wrapped at 72, blank lines", wrapped(72, LONG, OTHER), [LONG, OTHER]),
    ("wrapped at 72, CRLF", wrapped(72, LONG, OTHER).replace("\n", "\r\n"), [LONG, OTHER]),
    ("wrapped at 40, blank lines", wrapped(40, LONG, OTHER), [LONG, OTHER]),
    ("wrapped at 100, blank lines", wrapped(100, LONG, OTHER), [LONG, OTHER]),
    ("wrapped at 72, first lines indented", wrapped(72, LONG, OTHER, between="\n", indent="    "), [LONG, OTHER]),
    ("wrapped at 60, indented by a tab", wrapped(60, LONG, OTHER, between="\n", indent="\t"), [LONG, OTHER]),
    ("wrapped at 66, nothing between", wrapped(66, LONG, OTHER, between="\n"), [LONG, OTHER]),
    ("wrapped, one paragraph", wrapped(72, LONG), [LONG]),
    ("wrapped with a headline", f"Army to leave border\n\n{wrapped(72, LONG, OTHER)}", ["Army to leave border", LONG, OTHER]),
    (
        "wrapped, after one-line furniture",
        f"Home\n\nWorld news\n\n{wrapped(70, LONG, OTHER)}\n\nShare this",
        ["Home", "World news", LONG, OTHER, "Share this"],
    ),
    (
        "trailing blanks on wrapped lines",
        wrapped(72, LONG, OTHER).replace("\n", "  \n").replace("  \n  \n", "  \n\n"),
        [LONG, OTHER],
    ),
    ("whole text indented", textwrap.indent(wrapped(66, LONG, OTHER), "    "), [LONG, OTHER]),
    ("headlines in a list", "Talks fail in Geneva\nTroops leave Bara\nMayor resigns\nBread price up", None),
    ("capitals", "ARMY LEAVES\nTALKS FAIL\nMAYOR RESIGNS", None),
    ("short questions and answers", "Q: Who paid?\nA: Nobody.\nQ: Who asked?\nA: The mayor did.", None),
    ("dialogue, one line each", '"Who is there?"\n"Nobody."\n"Then come in."', None),
    ("dialogue with dashes", "– Who is there?\n– Nobody.\n– Then come in.", None),
    ("bullets", "* two wounded\n* one missing\n* the road is closed", None),
    ("numbered list", "1. The truce holds.\n2. Prisoners go home.\n3. Roads open.", None),
    (
        "list with hanging indents",
        "- The first point of the plan foresees that all the fighters leave the\n  town within a week of the signing.\n"
        "- The second point says that the road to the north is to be opened for\n  lorries that carry food.",
        [
            "- The first point of the plan foresees that all the fighters leave the town within a week of the signing.",
            "- The second point says that the road to the north is to be opened for lorries that carry food.",
        ],
    ),
    ("table by pipes", "Town | Dead\nBara | 4\nHama | 2", None),
    ("table by tabs", "Town\tDead\nBara\t4\nHama\t2", None),
    ("table by blanks", "Town        Dead\nBara        4\nHama        2", None),
    ("caption and credit", "Soldiers at the bridge in Bara on Monday.\nPhoto: Levant Press", None),
    ("byline and date", "By Anna Berg\n12 March 2016\nUpdated 14:20", None),
    ("poem", "The river rises in the night,\nthe bridge is gone,\nand nobody will come.\nWe wait.", None),
    ("two stanzas", "The river rises,\nthe bridge is gone.\n\nNobody comes,\nnobody calls.", None),
    ("rule of dashes is no paragraph", "First.\n\n-----\n\nSecond.", ["First.", "Second."]),
    ("only punctuation", "***\n...\n!!!", []),
    ("number alone", "2016", ["2016"]),
    ("address lines", "Levant Press\n12 Harbour Street\ninfo@levant.example\nwww.levant.example", None),
    ("Cyrillic, wrapped", wrapped(50, LONG).translate({ord("o"): "о", ord("e"): "е", ord("a"): "а"}), [
        LONG.translate({ord("o"): "о", ord("e"): "е", ord("a"): "а"})]),
    ("Arabic, one line a paragraph", "أعلنت الوزارة يوم الثلاثاء.\nوقال المتحدث إن المحادثات فشلت.", None),
    ("Greek final sigma", "Ο πρόεδρος είπε όχι.\nΟι συνομιλίες απέτυχαν.", None),
    ("letters beyond the BMP", "𝐓𝐚𝐥𝐤𝐬 failed.\nThe 𐐀 stayed.", None),
    ("emoji", "🚀 Rocket hits town\n🕊 Truce agreed", None),
    ("no-break and zero-width blanks", "\u00a0Talks failed.\u200b\n\u00a0Troops left.", ["Talks failed.", "Troops left."]),
    ("byte-order mark inside", "\ufeffTalks failed.\n\ufeffTroops left.", ["Talks failed.", "Troops left."]),
    ("NUL free control characters", "Talks\x1cfailed.\x85Troops left.", ["Talks", "failed.", "Troops left."]),
    ("very long word", "x" * 5000 + "\n" + "y" * 5000, None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "document", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_case(what: str, document: str, wanted: list[str] | None) -> None:
    """None stands for: every non-empty line is a paragraph of its own."""
    spans = split_paragraphs(document)
    found = [" ".join(document[span.start : span.end].split()) for span in spans]
    if wanted is None:
        wanted = [" ".join(line.split()) for line in document.splitlines() if line.strip()]
    assert found == wanted


@given(st.text(alphabet=st.one_of(st.sampled_from("ab .,-\n\r\t\u2028*1"), st.characters(exclude_categories=["Cs"])), max_size=400))
def test_slices_are_in_order_and_hold_every_letter(document: str) -> None:
    spans = split_paragraphs(document)
    texts = [document[span.start : span.end] for span in spans]
    assert all(text == text.strip(" \t\n\r") for text in texts)
    assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))
    kept = [c for text in texts for c in text if c.isalnum()]
    assert kept == [c for c in document if c.isalnum()]


WORDS = st.lists(
    st.sampled_from(["river", "troops", "the", "left", "of", "province", "talks", "on", "Bara"]), min_size=30, max_size=60
)


@given(st.lists(WORDS, min_size=2, max_size=4), st.integers(45, 100))
def test_wrapping_with_blank_lines_is_undone(paragraphs: list[list[str]], width: int) -> None:
    texts = [" ".join(words).capitalize() + "." for words in paragraphs]
    document = wrapped(width, *texts)
    assert [" ".join(document[s.start : s.end].split()) for s in split_paragraphs(document)] == texts
