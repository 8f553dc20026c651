"""A graph as Mermaid text that GitHub, GitLab and editors draw: any name in it, and never too large for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlwright.record import replace
from mlwright.regex import lazy
from mlwright.review.graph import Graph, Kind, Vertex

_SHAPES: Mapping[Kind, tuple[str, str]] = {
    "start": ("([", "])"),
    "data": ("[(", ")]"),
    "step": ("[", "]"),
    "search": ("[[", "]]"),
    "gates": ("{{", "}}"),
    "register": ("[/", "/]"),
    "model": ("[(", ")]"),
    "endpoint": ("(", ")"),
    "route": (">", "]"),
}
_CLASSES = {
    "added": "fill:#dafbe1,stroke:#1a7f37,stroke-width:2px,color:#0a3018",
    "changed": "fill:#fff8c5,stroke:#9a6700,stroke-width:2px,color:#3b2300",
    "removed": "fill:#ffebe9,stroke:#cf222e,stroke-width:2px,stroke-dasharray:5 3,color:#4c0711",
}
_LINKS = {"added": "stroke:#1a7f37", "removed": "stroke:#cf222e,stroke-dasharray:5 3"}
_SPECIAL = lazy(
    r"[^\w ,:/@%=+().-]|_",
)
_LIST = lazy(r"^(\d+)([.)])|^([-+])(?= )")
_LINE = 60
"""Characters of one line of a label."""
MOST = 150
"""Boxes that are drawn; GitHub draws no text over 50,000 characters and no more than 500 arrows."""
_ARROWS = 400


def render(graph: Graph) -> str:
    """The text of a `mermaid` block, ending with a newline. What has changed is kept first where not all fits."""
    shown, left = _fitting(graph)
    names = _names(shown.vertices)
    lines = ["flowchart LR"]
    for vertex in shown.vertices:
        before, after = _SHAPES[vertex.kind]
        mark = f":::{vertex.status}" if vertex.status else ""
        lines.append(f'  {names[vertex.id]}{before}"{_label(vertex)}"{after}{mark}')
    if left:
        lines.append(f'  more["and {left} more"]')
    styles = []
    for number, edge in enumerate(shown.edges):
        arrow = "-.->" if edge.soft else "-->"
        words = text(edge.label)
        label = f'|"{words}"|' if words else ""
        lines.append(f"  {names[edge.start]} {arrow}{label} {names[edge.end]}")
        if edge.status in _LINKS:
            styles.append(f"  linkStyle {number} {_LINKS[edge.status]}")
    used = {vertex.status for vertex in shown.vertices}
    lines += [f"  classDef {name} {style}" for name, style in _CLASSES.items() if name in used]
    return "\n".join([*lines, *styles]) + "\n"


def text(value: str) -> str:
    """`value` as it may stand between quotes in a label: everything that Mermaid, Markdown or HTML would take for its
    own as a number of a character."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in value).split())
    short = clean if len(clean) <= _LINE else f"{clean[: _LINE - 3]}..."
    # No line ends, formulas or icons: these are looked for when numbers are characters again.
    short = short.replace("\\", "\\\u200b").replace("$$", "$\u200b$").replace(":fa-", ":\u200bfa-")
    escaped = _SPECIAL.sub(lambda found: f"#{ord(found[0])};", short)
    return _LIST.sub(lambda found: f"{found[1]}#{ord(found[2])};" if found[1] else f"#{ord(found[3])};", escaped)


def _label(vertex: Vertex) -> str:
    badge = [f"({', '.join(vertex.environments)})"] if vertex.environments else []
    return "<br/>".join(filter(None, map(text, [vertex.title, *vertex.details, *badge]))) or "#8203;"


def _names(vertices: tuple[Vertex, ...]) -> dict[str, str]:
    """An identifier for each box that is no word of Mermaid's, and still says what it is."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for vertex in vertices:
        base = "n_" + "".join(char if char.isascii() and char.isalnum() else "_" for char in vertex.id)[:40]
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        names[vertex.id] = name
    return names


def _fitting(graph: Graph) -> tuple[Graph, int]:
    """The part of a graph that is drawn, and how many boxes are left out."""
    vertices = graph.vertices
    if len(vertices) > MOST:
        near = set(_near(graph))
        order = sorted(range(len(vertices)), key=lambda i: (not vertices[i].status, vertices[i].id not in near, i))
        vertices = tuple(vertices[index] for index in sorted(order[:MOST]))
    kept = {vertex.id for vertex in vertices}
    edges = [edge for edge in graph.edges if edge.start in kept and edge.end in kept]
    edges = sorted(edges, key=lambda edge: not edge.status)[:_ARROWS] if len(edges) > _ARROWS else edges
    return replace(graph, vertices=vertices, edges=tuple(edges)), len(graph.vertices) - len(vertices)


def _near(graph: Graph) -> Iterator[str]:
    """Boxes beside one that has changed."""
    changed = {vertex.id for vertex in graph.vertices if vertex.status}
    for edge in graph.edges:
        if edge.start in changed or edge.end in changed:
            yield from (edge.start, edge.end)
