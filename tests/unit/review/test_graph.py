from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlwright import cli, ir
from mlwright.inquiry import graph as inquiry
from mlwright.record import replace
from mlwright.review import graph as graphs
from mlwright.review import mermaid
from mlwright.review.graph import Edge, Graph, Vertex

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/mlproject.yaml"))

_QUOTED = r'"(?:[^"#<>`\[\]{}|\\*_&;\n]|#\d+;|<br/>)+"'
_BRACKETS = (("([", "])"), ("[(", ")]"), ("[[", "]]"), ("{{", "}}"), ("[/", "/]"), ("[", "]"), ("(", ")"), (">", "]"))
_SHAPE = "(?:" + "|".join(f"{re.escape(before)}{_QUOTED}{re.escape(after)}" for before, after in _BRACKETS) + ")"
_LINES = [
    re.compile(rf"  [a-z][A-Za-z0-9_]*{_SHAPE}(?::::(?:added|changed|removed))?"),
    re.compile(rf"  [a-z][A-Za-z0-9_]* (?:-->|-\.->)(?:\|{_QUOTED}\|)? [a-z][A-Za-z0-9_]*"),
    re.compile(r"  classDef (?:added|changed|removed) [a-z0-9#,: -]+"),
    re.compile(r"  linkStyle \d+ [a-z0-9#,: -]+"),
]


def valid(text: str) -> None:
    """The part of Mermaid's grammar that we write; every text this accepts, its parser (11.17) does."""
    first, *lines = text.removesuffix("\n").split("\n")
    assert first == "flowchart LR"
    for line in lines:
        assert any(pattern.fullmatch(line) for pattern in _LINES), line
    drawn = {match[1] for line in lines if (match := re.match(r"  (\w+)[\[({>]", line))}
    ends = {name for line in lines if (match := re.match(r"  (\w+) -.*?(\w+)$", line)) for name in match.groups()}
    assert ends <= drawn


def drawn(example: str, *envs: str) -> Graph:
    result, graph = inquiry.graph(str(ROOT / "examples" / example / "mlproject.yaml"), envs=envs)
    assert graph is not None, result
    return graph


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_valid_mermaid(example: str) -> None:
    valid(mermaid.render(drawn(example)))


def test_a_project_hangs_together_from_its_data_to_its_endpoints() -> None:
    graph = drawn("kitchen-sink", "prod")
    pairs = {(edge.start, edge.end): edge.label for edge in graph.edges}
    expected = {
        ("pipelines.retrain", "steps.features"): "",
        ("data.customers", "steps.features"): "",
        ("steps.features", "tuning"): "table",
        ("tuning", "training"): "best parameters",
        ("training", "evaluation"): "model",
        ("evaluation", "evaluation.gates"): "",
        ("@churn", "evaluation.gates"): "@champion",
        ("evaluation.gates", "registry"): "",
        ("registry", "@churn"): "@challenger",
        ("@churn", "serving.online"): "@champion 90 %, @challenger 10 %, @shadow mirrored",
        ("serving.shared", "serving.online"): "90 %",
    }
    assert {pair: pairs.get(pair) for pair in expected} == expected
    boxes = {vertex.id: vertex for vertex in graph.vertices}
    assert boxes["training"].details == ("8 nodes", "8 GPUs a100")
    assert boxes["tuning"].details[:2] == ("tpe: maximize val_auc", "30 trials, 3 at once")
    assert boxes["evaluation.gates"].details[1] == "test_auc against @champion"
    assert all(not vertex.environments for vertex in graph.vertices)


def test_boxes_that_not_all_environments_have_say_which_do() -> None:
    boxes = {vertex.id: vertex for vertex in drawn("kitchen-sink").vertices}
    assert boxes["serving.scores"].environments == ("local", "google", "prod")
    assert boxes["training"].environments == ()
    assert boxes["training"].details[-1] == "more differs by environment"


def test_an_endpoint_is_there_before_the_lock_has_a_version_for_it() -> None:
    assert not (ROOT / "examples/breast-cancer/mlproject.lock").exists()
    assert "serving.online" in {vertex.id for vertex in drawn("breast-cancer", "argo").vertices}


def _project(folder: Path, text: str) -> Graph:
    (folder / "mlproject.yaml").write_text(text)
    result, graph = inquiry.graph(str(folder))
    assert graph is not None, result
    return graph


PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
steps:
  a: {image: "probe:1", command: [python, a.py], outputs: {table: {type: dataset}}}
  b: {image: "probe:1", command: [python, b.py, "${steps.a.outputs.table}"]}
environments: {local: {platform: compose}}
"""


def test_what_is_new_gone_and_changed_is_marked(tmp_path: Path) -> None:
    before = _project(tmp_path, PROJECT)
    after = _project(
        tmp_path,
        PROJECT.replace("[python, a.py]", "[python, a.py, --fast]").replace("  b:", "  c:"),
    )
    both = graphs.compared(before, after)
    assert {vertex.id: vertex.status for vertex in both.vertices} == {
        "steps.a": "changed",
        "steps.c": "added",
        "steps.b": "removed",
    }
    text = mermaid.render(both)
    valid(text)
    assert 'n_steps_b["b"]:::removed' in text and 'n_steps_c["c"]:::added' in text
    assert "classDef changed" in text and "linkStyle" in text
    assert graphs.compared(after, after).edges == after.edges
    assert "classDef" not in mermaid.render(graphs.compared(after, after))


def test_secrets_in_addresses_are_never_drawn() -> None:
    from mlwright import registry
    from mlwright.analysis import analyse
    from mlwright.source.files import Disk

    files = Disk(str(ROOT))
    spec = "examples/kitchen-sink/mlproject.yaml"
    (one,) = analyse(files, spec, registry.installed(), envs=["prod"]).environments
    assert one.project is not None
    leaking = replace(one.project.data[0], source="postgres://me:hunter2hunter2@db/churn")
    text = graphs.mermaid(replace(one.project, data=(leaking,)))
    assert "customers<br/>postgres" in text or "customers<br/>#42;" in text
    assert "hunter2" not in text


def test_the_interface_of_a_review_is_two_projects() -> None:
    from mlwright import registry
    from mlwright.analysis import analyse
    from mlwright.source.files import Disk

    analyses = analyse(Disk(str(ROOT)), "examples/minimal/mlproject.yaml", registry.installed()).environments
    project = analyses[0].project
    assert isinstance(project, ir.Project)
    assert graphs.mermaid(project) == graphs.mermaid(project, project)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('say "hi"', "say #34;hi#34;"),
        ("<b>&amp;</b>", "#60;b#62;#38;amp#59;#60;/b#62;"),
        ("a[b]{c}|d|", "a#91;b#93;#123;c#125;#124;d#124;"),
        ("end", "end"),
        ("1. first", "1#46; first"),
        ("- first", "#45; first"),
        ("#35;", "#35;35#59;"),
        ("two\nlines\t", "two lines"),
        ("`code` *b* _i_", "#96;code#96; #42;b#42; #95;i#95;"),
        ("a\\n", "a#92;#8203;n"),
        ("$$x$$", "#36;#8203;#36;x#36;#8203;#36;"),
        ("日本", "日本"),
        ("x" * 61, "x" * 57 + "..."),
    ],
)
def test_nothing_in_a_label_is_taken_for_something_else(value: str, written: str) -> None:
    assert mermaid.text(value) == written


@settings(max_examples=150)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=8, unique=True))
def test_any_name_is_drawn(names: list[str]) -> None:
    vertices = tuple(Vertex(id=name, kind="step", title=name, details=(name,)) for name in names)
    edges = tuple(Edge(start=a, end=b, label=a) for a, b in pairwise(names))
    valid(mermaid.render(Graph(name="any", vertices=vertices, edges=edges)))


def test_a_graph_that_is_too_large_keeps_what_changed() -> None:
    vertices = tuple(
        Vertex(id=f"s{n}", kind="step", title=f"s{n} " + "x" * 200, status="added" if n == 1900 else "")
        for n in range(2000)
    )
    edges = tuple(Edge(start=f"s{n}", end=f"s{n + 1}") for n in range(1999))
    text = mermaid.render(Graph(name="large", vertices=vertices, edges=edges))
    valid(text)
    assert "n_s1900[" in text and "n_s1901[" in text and 'more["and 1850 more"]' in text
    assert len(text) < 50_000


@pytest.mark.parametrize("example", EXAMPLES)
def test_boxes_do_not_overlap_and_texts_stay_inside(example: str) -> None:
    pytest.importorskip("pygraphviz")
    from mlwright.review import drawing, layout

    graph = drawn(example)
    placed = layout.layout(graph)
    boxes = placed.boxes
    assert len(boxes) == len(graph.vertices)
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            apart = abs(one.x - other.x) >= (one.width + other.width) / 2
            assert apart or abs(one.y - other.y) >= (one.height + other.height) / 2, (one, other)
    root = ElementTree.fromstring(drawing.write(graph, placed))
    page = float(root.attrib["width"]), float(root.attrib["height"])
    for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= -5 and x + width <= page[0] + 1 and y >= -5 and y + height <= page[1] + 1
    for box in boxes:
        for line, size in ((box.vertex.title, layout.TITLE), *((text, layout.DETAIL) for text in box.vertex.details)):
            assert layout.text_width(layout.short(line), size) <= box.width
    for arrow in placed.arrows:
        assert (len(arrow.points) - 1) % 3 == 0


def test_no_usual_font_makes_a_text_wider_than_we_think() -> None:
    """Against DejaVu Sans, the widest of the fonts that systems have, and its bold."""
    image = pytest.importorskip("PIL.ImageFont")
    fonts = Path(pytest.importorskip("matplotlib").__file__).parent / "mpl-data/fonts/ttf"
    from mlwright.review.layout import BOLD, text_width

    plain, bold = (image.truetype(str(fonts / f"DejaVuSans{kind}.ttf"), 100) for kind in ("", "-Bold"))
    for char in [*map(chr, range(32, 127)), *map(chr, range(0xC0, 0x1C0))]:
        assert plain.getlength(char) / 100 <= text_width(char, 1.0) + 0.005, char
    for text in ("training", "evaluation.gates", "WWWW%@", "illustration", "Größe_Übung 12.5 %", "model-version: x"):
        assert bold.getlength(text) / 100 <= text_width(text, BOLD), text


def test_an_svg_is_one_file_for_everyone(tmp_path: Path) -> None:
    pytest.importorskip("pygraphviz")
    from mlwright.review import drawing

    vertices = (
        Vertex(
            id="a", kind="data", title='<a> & "b" \x01', details=("é 日本 🚀",), environments=("prod",), status="added"
        ),
        Vertex(id="b", kind="search", title="b", environments=("1", "2", "3", "4", "5")),
    )
    text = drawing.svg(Graph(name="<x>", vertices=vertices, edges=(Edge(start="a", end="b", label="one & two"),)))
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img" and root[0].tag.endswith("title") and root[1].tag.endswith("desc")
    assert "prefers-color-scheme:dark" in text and "5 environments" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert drawing.svg(Graph(name="empty", vertices=(), edges=())).startswith("<svg")


def test_the_command_prints_writes_and_chooses_the_format_by_the_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = str(ROOT / "examples/minimal")
    assert cli.main(["graph", example]) == 0
    valid(capsys.readouterr().out)
    assert cli.main(["graph", example, "-o", str(tmp_path / "graph.mmd")]) == 0
    valid((tmp_path / "graph.mmd").read_text())
    pytest.importorskip("pygraphviz")
    assert cli.main(["graph", example, "-o", str(tmp_path / "graph.svg")]) == 0
    assert (tmp_path / "graph.svg").read_text().startswith("<svg")


def test_what_cannot_be_drawn_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    example = str(ROOT / "examples/minimal")
    assert cli.main(["graph", example, "--env", "lokal"]) == 2
    assert "did you mean 'local'?" in capsys.readouterr().err
    assert cli.main(["graph", example, "-o", str(tmp_path / "nowhere" / "graph.mmd")]) == 2
    assert "cannot write" in capsys.readouterr().err
    assert cli.main(["graph", str(tmp_path)]) == 2
    assert "there is no mlproject.yaml" in capsys.readouterr().err
    (tmp_path / "mlproject.yaml").write_text("apiVersion: mlwright.dev/v1\nkind: MLProject\n")
    assert cli.main(["graph", str(tmp_path)]) == 1
    assert "error[" in capsys.readouterr().err
    monkeypatch.setitem(__import__("sys").modules, "pygraphviz", None)
    assert cli.main(["graph", example, "--format", "svg"]) == 2
    assert "pip install 'mlwright[graph]', or take --format mermaid" in capsys.readouterr().err
