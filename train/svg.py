"""A drawing as SVG text: lines, dots, areas and words, with words cut to the room they have."""

import unicodedata
from collections.abc import Sequence
from html import escape

from parastance.train.width import shorten

Point = tuple[float, float]
AVERAGE, BROAD = 0.53, 1.0  # width of a character in font sizes: of Latin text on average, of East Asian text


def width_of(text: str, size: float) -> float:
    """Return about how wide a text is at a font size, in the drawing's units."""
    return size * sum(BROAD if unicodedata.east_asian_width(char) in "WF" else AVERAGE for char in text)


def cut(text: str, room: float, size: float) -> str:
    """Return the text, shortened in its middle where it is wider than `room`."""
    return shorten(text, room, lambda part: width_of(part, size))


def wrapped(text: str, room: float, size: float) -> list[str]:
    """Return the text in lines that fit into `room`; a word that is longer alone is cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(cut(word, room, size))
    return lines


class Drawing:
    """Marks in the order drawn; `svg` makes the file's text."""

    def __init__(self, width: float) -> None:
        self.width = width
        self.marks: list[str] = []

    def line(self, a: Point, b: Point, colour: str, thick: float = 1.0, dash: str = "") -> None:
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.marks.append(
            f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" stroke="{colour}" '
            f'stroke-width="{thick}"{dashed}/>'
        )

    def path(self, points: Sequence[Point], colour: str, thick: float = 1.5, dash: str = "") -> None:
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.marks.append(
            f'<polyline points="{_joined(points)}" fill="none" stroke="{colour}" stroke-width="{thick}"{dashed} '
            'stroke-linejoin="round"/>'
        )

    def area(self, points: Sequence[Point], colour: str, opacity: float) -> None:
        self.marks.append(f'<polygon points="{_joined(points)}" fill="{colour}" fill-opacity="{opacity}"/>')

    def dot(self, at: Point, colour: str, radius: float = 2.6, hollow: bool = False, title: str = "") -> None:
        fill = "#ffffff" if hollow else colour
        inner = f"<title>{_clean(title)}</title>" if title else ""
        self.marks.append(
            f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius}" fill="{fill}" stroke="{colour}">{inner}</circle>'
        )

    def text(
        self, at: Point, words: str, size: float = 11, anchor: str = "start", colour: str = "#333333", bold: bool = False
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self.marks.append(
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{weight}>'
            f"{_clean(words)}</text>"
        )

    def svg(self, height: float, title: str) -> str:
        """Return the whole file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {self.width:.0f} {height:.0f}" font-family="Helvetica, Arial, sans-serif" role="img">'
        )
        back = f'<rect width="{self.width:.0f}" height="{height:.0f}" fill="#ffffff"/>'
        return "\n".join([head, f"<title>{_clean(title)}</title>", back, *self.marks, "</svg>"]) + "\n"


def _joined(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _clean(text: str) -> str:
    """Return the text as XML can hold it: escaped, without control characters."""
    return escape("".join(char if char.isprintable() else " " for char in text))
