"""A graph as one SVG file that needs nothing else: Graphviz lays it out, and this writes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from mlwright.review.graph import Graph, Kind
from mlwright.review.layout import (
    DETAIL,
    LINE,
    PADDING,
    SMALL,
    Arrow,
    Box,
    Layout,
    badge_width,
    badges,
    layout,
    short,
    text_width,
)

_LEGEND: dict[Kind, str] = {
    "start": "schedule or trigger",
    "data": "data",
    "step": "step",
    "search": "search",
    "gates": "gates",
    "register": "registration",
    "model": "registered model",
    "endpoint": "endpoint",
    "route": "route",
}
_MARGIN, _KEY = 16.0, 34.0
_STYLE = """\
:root{--page:#fff;--text:#1f2328;--soft:#57606a;--line:#6e7781;--badge:#eaeef2;\
--start:#fff1e5;--data:#e6f4ff;--step:#f6f8fa;--search:#fbefff;--gates:#fff8c5;--register:#f6f8fa;--model:#e6ffec;\
--endpoint:#e0f7f5;--route:#eef0ff;--added:#1a7f37;--changed:#9a6700;--removed:#cf222e}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--text:#e6edf3;--soft:#9da7b3;--line:#8b949e;--badge:#30363d;\
--start:#3d2410;--data:#0c2d4a;--step:#161b22;--search:#321b45;--gates:#3a2d00;--register:#161b22;--model:#0f2f1a;\
--endpoint:#0b3330;--route:#20264d;--added:#3fb950;--changed:#d29922;--removed:#f85149}}
text{font-family:system-ui,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,sans-serif;fill:var(--text)}
.t{font-size:13px;font-weight:600}.d{font-size:11px;fill:var(--soft)}.b{font-size:10px;fill:var(--soft)}
.page{fill:var(--page)}.badge{fill:var(--badge)}.box{stroke:var(--line);stroke-width:1.2}
.start{fill:var(--start)}.data{fill:var(--data)}.step{fill:var(--step)}.search{fill:var(--search)}\
.gates{fill:var(--gates)}.register{fill:var(--register)}.model{fill:var(--model)}.endpoint{fill:var(--endpoint)}\
.route{fill:var(--route)}
.edge{fill:none;stroke:var(--line);stroke-width:1.3}.soft{stroke-dasharray:4 3}.head{fill:var(--line)}
.under{fill:var(--page);opacity:.85}
.added .box,.edge.added{stroke:var(--added);stroke-width:2.4}.changed .box{stroke:var(--changed);stroke-width:2.4}
.removed .box,.edge.removed{stroke:var(--removed);stroke-width:2.4;stroke-dasharray:5 3}"""


def svg(graph: Graph) -> str:
    """The whole SVG text, ending with a newline. Raises MissingLibraryError."""
    return write(graph, layout(graph))


def write(graph: Graph, placed: Layout) -> str:
    """The SVG of a layout: a title and a description for screen readers, a tooltip for each box, and a legend."""
    kinds: list[Kind] = [kind for kind in _LEGEND if any(vertex.kind == kind for vertex in graph.vertices)]
    needed = sum(text_width(_LEGEND[kind], DETAIL) + 32 for kind in kinds)
    width, height = max(placed.width, needed) + 2 * _MARGIN, placed.height + 2 * _MARGIN + _KEY
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    arrow = 'id="arrow" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
        f'<title id="title">{_plain(graph.name)}: data, steps, models and endpoints</title>',
        f'<desc id="description">{_plain(_told(graph))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<defs><marker {arrow}><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
        _rect("page", 0, 0, width, height, 0),
        f'<g transform="translate({_MARGIN:.0f} {_MARGIN:.0f})">',
        *map(_arrow, placed.arrows),
        *map(_box, placed.boxes),
        *(line for item in placed.arrows for line in _label(item)),
        "</g>",
        *_legend(kinds, height - _MARGIN - 8),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _told(graph: Graph) -> str:
    titles = {vertex.id: vertex.title for vertex in graph.vertices}
    return "; ".join(f"{titles[edge.start]} to {titles[edge.end]}" for edge in graph.edges) or "no connections"


def _rect(style: str, x: float, y: float, width: float, height: float, radius: float) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{style}" {place} rx="{radius:.0f}"/>'


def _text(style: str, x: float, y: float, text: str, anchor: str = "middle") -> str:
    more = f"<title>{_plain(text)}</title>" if short(text) != text else ""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_plain(short(text))}{more}</text>'


def _arrow(arrow: Arrow) -> str:
    start, *rest = arrow.points
    points = [f"{x:.1f} {y:.1f}" for x, y in rest]
    curves = " ".join("C" + " ".join(points[index : index + 3]) for index in range(0, len(points), 3))
    style = " ".join(filter(None, ("edge", "soft" if arrow.edge.soft else "", arrow.edge.status)))
    return f'<path class="{style}" marker-end="url(#arrow)" d="M{start[0]:.1f} {start[1]:.1f} {curves}"/>'


def _label(arrow: Arrow) -> Iterator[str]:
    if arrow.label is None:
        return
    x, y = arrow.label
    width = text_width(short(arrow.edge.label), SMALL)
    yield _rect("under", x - width / 2 - 1, y - 8, width + 2, 15, 3)
    yield _text("b", x, y + 3.5, arrow.edge.label)


def _box(box: Box) -> str:
    vertex, left, top = box.vertex, box.x - box.width / 2, box.y - box.height / 2
    radius = {"start": 18, "endpoint": 10, "model": 10, "data": 10}.get(vertex.kind, 3)
    where = f"in {', '.join(vertex.environments)}" if vertex.environments else ""
    told = filter(None, (vertex.id.removeprefix("@"), *vertex.details, where, vertex.status))
    parts = [
        f'<g class="{vertex.status}">' if vertex.status else "<g>",
        f"<title>{_plain(chr(10).join(told))}</title>",
        _rect(f"box {vertex.kind}", left, top, box.width, box.height, radius),
    ]
    if vertex.kind == "search":  # many of them, one behind the other
        parts.insert(2, _rect(f"box {vertex.kind}", left + 4, top - 4, box.width, box.height, radius))
    y = top + PADDING / 2 + 12
    parts.append(_text("t", box.x, y, vertex.title))
    for detail in vertex.details:
        y += LINE
        parts.append(_text("d", box.x, y, detail))
    parts += _badges(badges(vertex), box.x, y + 9)
    return "".join([*parts, "</g>"])


def _badges(names: Sequence[str], middle: float, top: float) -> Iterator[str]:
    x = middle - (sum(badge_width(name) + 4 for name in names) - 4) / 2
    for name in names:
        width = badge_width(name)
        yield _rect("badge", x, top, width, 16, 8)
        yield _text("b", x + width / 2, top + 11.5, name)
        x += width + 4


def _legend(kinds: Sequence[Kind], y: float) -> Iterator[str]:
    left = _MARGIN
    for kind in kinds:
        yield _rect(f"box {kind}", left, y - 10, 16, 12, 3)
        yield _text("d", left + 21, y, _LEGEND[kind], "start")
        left += text_width(_LEGEND[kind], DETAIL) + 32


def _plain(text: str) -> str:
    """Text that XML takes: no control characters, nothing of its own."""
    return escape("".join(char if char == "\n" or char.isprintable() else " " for char in text))
