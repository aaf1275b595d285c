"""A web page into the paragraphs of its article, by trafilatura's element tree.

Page furniture that trafilatura recognises is gone; a `<br>` parts no paragraph. Needs the extra `html`.
"""

from typing import Any

from parastance.predict.errors import UsageError

BLOCKS = ("p", "head", "item", "row", "quote", "ab", "figDesc", "code")


class NoArticle(ValueError):
    """The page holds no article text."""


def article_paragraphs(page: str) -> list[str]:
    """Return the texts of the article's paragraphs in order: headings, paragraphs, list items, table rows, quotations.

    Line breaks inside a paragraph are one space. Raises NoArticle where the page has no text, UsageError where
    trafilatura is not installed.
    """
    try:
        import trafilatura
    except ImportError:
        raise UsageError("reading HTML needs the extra `html`: pip install 'parastance[html]'") from None
    found: Any = trafilatura.bare_extraction(page, include_comments=False, include_tables=True, favor_recall=True)
    if found is None or found.body is None:
        raise NoArticle("no article text found in this page")
    texts: list[str] = []
    for element in found.body.iterchildren():
        texts.extend(_texts(element))
    texts = [text for text in texts if any(map(str.isalnum, text))]
    if not texts:
        raise NoArticle("no article text found in this page")
    title = " ".join((found.title or "").split())
    if title and title not in texts[:3]:
        texts.insert(0, title)
    return texts


def _texts(element: Any) -> list[str]:
    """Return the paragraphs of one element: itself, or those of the blocks in it and the loose text between them."""
    if element.tag == "row":
        cells = [_flat(cell) for cell in element.iter("cell")]
        return [" | ".join(cell for cell in cells if cell)]
    if not any(child.tag in BLOCKS for child in element.iterdescendants()):
        return [_flat(element)]
    texts = [" ".join((element.text or "").split())]
    for child in element.iterchildren():
        if child.tag in BLOCKS or any(inner.tag in BLOCKS for inner in child.iterdescendants()):
            texts.extend([*_texts(child), " ".join((child.tail or "").split())])
        else:
            texts[-1] = f"{texts[-1]} {_flat(child)} {' '.join((child.tail or '').split())}".strip()
    return [text for text in texts if text]


def _flat(element: Any) -> str:
    """Return all text of an element, each run of white space and each line break as one space."""
    return " ".join("".join(_in_order(element)).split())


def _in_order(element: Any) -> list[str]:
    parts = [element.text or ""]
    for child in element.iterchildren():
        parts.append(" " if child.tag == "lb" else "")
        parts.extend(_in_order(child))
        parts.append(child.tail or "")
    return parts
