"""Where the boxes and arrows of a graph go, by Graphviz' library."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from mlwright.record import dataclass
from mlwright.review.graph import Edge, Graph, Vertex

Point = tuple[float, float]

TITLE, DETAIL, SMALL = 13.0, 11.0, 10.0
"""Sizes of text."""
BOLD = 1.15
"""How much wider bold text is."""
LINE, PADDING = 16.0, 14.0
_BADGE = 18.0
_LONG = 46
"""Characters of a line; the whole text is in the tooltip."""
_BADGES = 4


class MissingLibraryError(RuntimeError):
    """Graphviz' library is not installed; the message says what to type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A laid out vertex: its middle and size, in SVG units with y downwards."""

    vertex: Vertex
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A laid out edge: points of Bezier curves (one, then three for each curve), its tip, and the label's middle."""

    edge: Edge
    points: tuple[Point, ...]
    tip: Point
    label: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All of it; the top left corner is (0, 0)."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def layout(graph: Graph) -> Layout:
    """Where everything goes. No font is asked for: sizes are those of the texts, with room to spare."""
    drawn = _graphviz()
    names = {vertex.id: f"n{number}" for number, vertex in enumerate(graph.vertices)}
    drawn.graph_attr.update(rankdir="LR", nodesep="0.3", ranksep="0.6", splines="true", outputorder="nodesfirst")
    sizes = {vertex.id: _size(vertex) for vertex in graph.vertices}
    for vertex in graph.vertices:
        width, height = sizes[vertex.id]
        drawn.add_node(names[vertex.id], label="", shape="box", fixedsize="true", width=width / 72, height=height / 72)
    for number, edge in enumerate(graph.edges):
        room = {}
        if edge.label:
            width = text_width(short(edge.label), SMALL) + 8
            cell = f'<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{width:.0f}" HEIGHT="16"><TR><TD></TD></TR></TABLE>'
            room = {"label": f"<{cell}>"}
        drawn.add_edge(names[edge.start], names[edge.end], key=str(number), arrowsize="0.7", **room)
    drawn.layout("dot")
    left, bottom, right, top = map(float, str(drawn.graph_attr["bb"]).split(","))
    boxes = []
    for vertex in graph.vertices:
        x, y = _point(drawn.get_node(names[vertex.id]).attr["pos"])
        width, height = sizes[vertex.id]
        boxes.append(Box(vertex=vertex, x=x - left, y=top - y, width=width, height=height))
    arrows = []
    for number, edge in enumerate(graph.edges):
        attributes = drawn.get_edge(names[edge.start], names[edge.end], key=str(number)).attr
        tip, points = _curve(str(attributes["pos"]))
        place = _point(attributes["lp"]) if edge.label and attributes["lp"] else None
        arrows.append(
            Arrow(
                edge=edge,
                points=tuple((x - left, top - y) for x, y in points),
                tip=(tip[0] - left, top - tip[1]),
                label=(place[0] - left, top - place[1]) if place else None,
            )
        )
    return Layout(width=right - left, height=top - bottom, boxes=tuple(boxes), arrows=tuple(arrows))


def _graphviz() -> Any:
    try:
        import pygraphviz
    except ImportError as error:
        raise MissingLibraryError(
            "drawing needs Graphviz: pip install 'mlwright[graph]', or take --format mermaid"
        ) from error
    return pygraphviz.AGraph(directed=True, strict=False)


def _point(text: object) -> Point:
    x, y = str(text).split(",")
    return float(x), float(y)


def _curve(text: str) -> tuple[Point, list[Point]]:
    """Graphviz' `e,X,Y X,Y X,Y ...`: the tip of the arrow, and the curve to where the tip begins."""
    first, *rest = re.sub(r"\\\s+", "", text).split()
    tip = _point(first.removeprefix("e,"))
    return tip, [_point(pair) for pair in rest]


def text_width(text: str, size: float) -> float:
    """How wide a text is at most, whichever usual sans-serif font draws it."""
    return sum(_advance(char) for char in text) * size


def _advance(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF":
        return 1.1
    if unicodedata.combining(char):
        return 0.0
    if char in "iljtfrI.,:;'|!()[] ":
        return 0.43
    if not char.isascii():
        return 1.08
    if char in "mwMW@%&":
        return 1.0
    return 0.84 if char in "#+<=>^~" else 0.79 if char.isupper() else 0.64


def short(text: str) -> str:
    """A text on one line, cut where it is long."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return clean if len(clean) <= _LONG else f"{clean[: _LONG - 1]}…"


def badges(vertex: Vertex) -> tuple[str, ...]:
    """The environments of a box that not all have, or how many there are."""
    names = vertex.environments
    return names if len(names) <= _BADGES else (f"{len(names)} environments",)


def badge_width(name: str) -> float:
    """How wide a badge is."""
    return text_width(short(name), SMALL) + 12


def _size(vertex: Vertex) -> Point:
    widths = [text_width(short(vertex.title), TITLE * BOLD)]
    widths += [text_width(short(line), DETAIL) for line in vertex.details]
    named = badges(vertex)
    if named:
        widths.append(sum(badge_width(name) + 4 for name in named) - 4)
    height = LINE * (1 + len(vertex.details)) + (_BADGE + 4 if named else 0)
    return max(*widths, 40.0) + 2 * PADDING, height + PADDING
