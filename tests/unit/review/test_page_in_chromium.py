"""The page in a real browser: it asks nobody, its lines lead both ways, and hands, eyes and ears of all kinds can use
it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mlwright.emit import files as rendering
from mlwright.emit.map import became
from mlwright.record import replace
from mlwright.review import page
from mlwright.review.model import EnvironmentReview, ObjectChange, ProjectReview, Review
from mlwright.review.page import Compiled, Pair
from mlwright.review.provenance import Provenance
from mlwright.span import Path as SpecPath
from mlwright.target import Document
from tests.chromium import Chromium, chromium
from tests.unit.review import pages, reviews

SECOND = 2.0
"""What a page of 3,000 objects may take until it can be used."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as made:
        yield made


@pytest.fixture(autouse=True)
def asks_nobody(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does with a page: no error, nothing on the console, and no request but for the file itself."""
    yield
    if "browser" in request.fixturenames:
        used: Chromium = request.getfixturevalue("browser")
        assert used.errors == []
        assert used.console == []
        assert [url for url in used.requests if not url.startswith(("file:///", "about:"))] == []
        assert len(set(used.requests)) <= 1
        used.prefer()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair(spec="mlproject.yaml", name="demo", head=pages.demo(pages.AFTER))


@pytest.fixture(scope="module")
def report(folder: Path, pair: Pair) -> Path:
    """The page of one revision of a small project."""
    path = folder / "report.html"
    path.write_text(page.render([pair]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def diff(folder: Path) -> Path:
    """The page of a change of it, with a review made by hand."""
    usual = reviews.usual()
    made = Pair(spec="mlproject.yaml", name="demo", head=pages.demo(pages.AFTER), base=pages.demo(pages.BEFORE))
    said = usual.projects[0]
    prod = replace(said.environments[1], name="prod")
    objects = (
        replace(prod.objects[0], file="kubernetes/configmap-demo-training.yaml"),
        *prod.objects[1:],
    )
    project = replace(
        said,
        spec="mlproject.yaml",
        name="demo",
        environments=(replace(said.environments[0], name="dev"), replace(prod, objects=objects)),
    )
    path = folder / "diff.html"
    path.write_text(page.render([made], replace(usual, projects=(project,))), encoding="utf-8")
    return path


def numbers(browser: Chromium, list_: str, mark: str) -> list[int]:
    """The numbers of the lines in sight that are marked."""
    script = f"[...{list_}.host.querySelectorAll('.row.{mark} .no')].map((one) => Number(one.textContent))"
    return sorted(browser.run(script))


def row(list_: str, line: int) -> str:
    return f"{list_}.host.querySelector('[data-at=\"{line - 1}\"]')"


def choose(browser: Chromium, environment: str, file: str) -> None:
    browser.run(f"chooseEnvironment({json.dumps(environment)}); Source.goFile({json.dumps(file)}); true")
    browser.settle()


def provenance(pair: Pair, environment: str) -> Provenance:
    assert pair.head is not None
    built = pair.head.output(environment)
    assert built is not None
    return Provenance(built, pair.head.files)


def test_a_page_opens_with_the_output_beside_the_project(browser: Chromium, report: Path) -> None:
    browser.size(1400, 900)
    browser.open(report)
    assert browser.run("document.title") == "demo - mlwright"
    assert browser.run("Source.specList.count") == len(pages.AFTER.splitlines())
    assert browser.run("Source.out.file.path") == "compose/compose.yaml"
    assert "image" in browser.run("Source.outList.host.textContent")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_each_line_of_the_output_leads_to_its_line_of_the_project(
    browser: Chromium, report: Path, pair: Pair, environment: str
) -> None:
    browser.open(report)
    known, checked = provenance(pair, environment), 0
    for file in known.files:
        lines = known.text(file).count("\n")
        found = browser.run(
            f"(() => {{ chooseEnvironment({json.dumps(environment)});"
            f" const file = opened(S.environment).files.get({json.dumps(file)}); return"
            " originsOf(file).map((at) => at < 0 ? null : [S.project.paths[S.environment.origins[at].path],"
            " S.environment.origins[at].at, howItCame(S.environment.origins[at])]); })()"
        )
        assert len(found) == lines
        for line, said in enumerate(found, 1):
            place = known.at(file, line)
            if place is None or (not place.spec and not place.patch):
                assert said is None, (file, line)
                continue
            span = known.span(place.spec)
            assert said[0] == "/".join(str(part) for part in place.spec), (file, line)
            assert said[1] == ([0, span.line] if span else None)
            derived = place.origin is not None and place.origin.kind == "derived"
            assert derived == said[2].startswith("derived by")
            checked += 1
    assert checked > 100


@pytest.mark.parametrize(
    ("environment", "spec", "text", "size"),
    [
        ("dev", ("training", "resources"), "  resources: {cpu: 1", 1),
        ("prod", ("training", "resources"), "  resources: {cpu: 1", 1),
        ("dev", ("steps", "prepare"), "  prepare:", 3),
        ("dev", ("defaults", "steps"), "  steps:", 2),
        ("dev", ("metadata",), "metadata: {name", 1),
        ("prod", ("environments", "prod"), "  prod:", 3),
        ("dev", ("environments", "prod"), "  prod:", 3),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else None,
)
def test_each_line_of_the_project_leads_to_all_that_it_makes(
    browser: Chromium, report: Path, pair: Pair, environment: str, spec: SpecPath, text: str, size: int
) -> None:
    known = provenance(pair, environment)
    (line,) = (at for at, one in enumerate(pages.AFTER.splitlines(), 1) if one.startswith(text))
    browser.open(report)
    browser.run(f"chooseEnvironment({json.dumps(environment)}); Source.goSpec([0, {line}]); true")
    browser.settle()
    found = browser.run(
        f"filesOf(S.environment, madeBy(S.environment, 0, {line})).map((one) => [one.file.path, one.count])"
    )
    wanted: dict[str, int] = {}
    for file in known.files:
        for at in range(1, known.text(file).count("\n") + 1):
            place = known.at(file, at)
            span = known.span(place.spec) if place is not None and place.spec else None
            within = span is not None and line <= span.line < line + size
            if place is not None and place.spec and (within or place.spec[: len(spec)] == spec):
                wanted[file] = wanted.get(file, 0) + 1
    assert dict(found) == wanted
    assert bool(wanted) == ((environment, spec) != ("dev", ("environments", "prod")))
    count = sum(wanted.values())
    told = f"makes {count} line{'' if count == 1 else 's'} in" if wanted else "says nothing in dev"
    assert f"Line {line} {told}" in browser.run("Source.inspector.textContent")
    assert {file for file, _ in became(known.built.emitted, spec)} <= wanted.keys()


def test_pointing_at_a_line_shows_both_ends_and_a_click_keeps_them(browser: Chromium, report: Path, pair: Pair) -> None:
    browser.size(1400, 900)
    browser.open(report)
    choose(browser, "dev", "compose/compose.yaml")
    known = provenance(pair, "dev")
    lines = known.text("compose/compose.yaml").splitlines()
    line = next(at for at, text in enumerate(lines, 1) if "image: acme/demo:2" in text)
    browser.run(
        f"Source.outList.go({line + 3}, {{quiet: true, centre: true}}); Source.specList.host.scrollTo(0, 0); true"
    )
    browser.settle()
    browser.pointer(row("Source.outList", line), click=False)
    assert line in numbers(browser, "Source.outList", "link")
    (spec,) = numbers(browser, "Source.specList", "link")
    assert pages.AFTER.splitlines()[spec - 1].strip() == 'image: "acme/demo:2"'
    told = browser.run("Source.inspector.textContent")
    assert f"Line {line} comes from steps.prepare.image.ref at mlproject.yaml:{spec}" in told
    browser.pointer(row("Source.outList", line), click=True)
    assert numbers(browser, "Source.specList", "pin") == [spec]
    browser.pointer(row("Source.specList", spec), click=True)
    assert line in numbers(browser, "Source.outList", "pin")
    assert f"Line {spec} makes" in browser.run("Source.inspector.textContent")


def test_an_overlay_is_told_with_every_layer(browser: Chromium, report: Path) -> None:
    browser.open(report)
    text = browser.run(
        "(() => { chooseEnvironment('prod');"
        " const wanted = (one) => S.project.paths[one.path] === 'training/resources/memory';"
        " const at = S.environment.origins.findIndex(wanted);"
        " Source.tellOrigin(S.environment.origins[at], 0); return Source.inspector.textContent; })()"
    )
    assert "set by environments.prod" in text
    assert "the file: 2Gi" in text
    assert "environments.prod: 32Gi" in text
    assert "this one" in text


def test_another_environment_and_target_show_their_own_output(browser: Chromium, report: Path) -> None:
    browser.open(report)
    browser.run("document.body.focus()")
    assert browser.run("S.environment.name") == "dev"
    browser.press("e")
    assert browser.run("S.environment.name") == "prod"
    assert browser.run("document.getElementById('environment').value") == "prod"
    assert browser.run("Source.out.file.path.startsWith('kubernetes/')")
    assert browser.run("[...document.getElementById('target').options].map((one) => one.value)") == ["", "kubernetes"]
    browser.press("t")
    assert browser.run("S.target") == "kubernetes"
    browser.press("E", shift=True)
    assert browser.run("S.environment.name") == "dev"
    assert browser.run("S.target") == ""


def test_keys_alone_are_enough(browser: Chromium, report: Path) -> None:
    browser.size(1400, 900)
    browser.open(report)
    reached = []
    for _ in range(40):
        browser.press("Tab")
        reached.append(browser.run("document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
    for wanted in ("environment", "target", "search", "theme", "help", "tab-source", "Files of the output"):
        assert wanted in reached
    for wanted in ("Lines of the project file", "Lines of the output file", "Where the line comes from"):
        assert wanted in reached
    browser.run("document.activeElement.blur()")
    browser.press("o")
    assert browser.run("document.activeElement === Source.outList.host")
    browser.press("Home")
    for _ in range(8):
        browser.press("ArrowDown")
    current = browser.run("Source.outList.host.getAttribute('aria-activedescendant')")
    assert browser.run(f"document.getElementById({json.dumps(current)}).getAttribute('aria-posinset')") == "9"
    assert browser.run(f"document.getElementById({json.dumps(current)}).getAttribute('aria-selected')") == "true"
    assert "Line 9 comes from" in browser.run("Source.inspector.textContent")
    browser.press("Enter")
    pinned = browser.run("Source.pinned.size")
    assert pinned == 1
    before = browser.run("Source.outList.current")
    browser.press("n")
    assert browser.run("Source.outList.current") > before
    browser.press("f")
    browser.press("ArrowDown")
    browser.press("Home")
    browser.press("ArrowLeft")
    assert browser.run("Source.rows[0].isOpen") is False
    browser.press("ArrowRight")
    assert browser.run("Source.rows[0].isOpen") is True
    browser.press("3")
    assert browser.run("view") == "findings"
    browser.press("ArrowRight")
    assert browser.run("[view, document.activeElement.id]") == ["search", "tab-search"]


def test_the_keys_are_told_and_can_be_left_off(browser: Chromium, report: Path) -> None:
    browser.open(report)
    browser.press("?")
    assert browser.run("document.getElementById('keys').open")
    assert "next environment" in browser.run("document.getElementById('keys').textContent")
    browser.press("Escape")
    assert not browser.run("document.getElementById('keys').open")
    browser.run("document.getElementById('single').click()")
    browser.press("e")
    assert browser.run("S.environment.name") == "dev"


def test_search_finds_lines_of_the_project_and_of_the_output(browser: Chromium, report: Path) -> None:
    browser.open(report)
    browser.press("/")
    assert browser.run("document.activeElement.id") == "search"
    browser.call("Input.insertText", text="ACME/demo:2")
    browser.press("Enter")
    found = browser.run("Search.rows.map((one) => one.name)")
    assert found[0] == "mlproject.yaml"
    assert "compose/compose.yaml" in found
    browser.press("End")
    browser.press("Enter")
    assert browser.run("view") == "source"
    assert browser.run("Source.out.file.path") == found[-1]


def test_what_is_looked_at_can_be_sent_as_an_address(browser: Chromium, report: Path) -> None:
    browser.open(report)
    choose(browser, "prod", "kubernetes/configmap-demo-training.yaml")
    browser.run("Source.outList.go(6); Source.atOutput(6, true); true")
    address = browser.run("location.hash")
    browser.open(report, address)
    assert browser.run("[S.environment.name, Source.out.file.path, Source.outList.current]") == [
        "prod",
        "kubernetes/configmap-demo-training.yaml",
        6,
    ]


@pytest.mark.parametrize("address", ["#env=nobody&file=../../etc/passwd&line=-3", "#view=<b>&project=99", "#%E0%A4%A"])
def test_an_address_that_leads_nowhere_opens_the_page_all_the_same(
    browser: Chromium, report: Path, address: str
) -> None:
    browser.open(report, address)
    assert browser.run("S.environment.name") == "dev"


def test_the_theme_follows_the_system_until_somebody_chooses(browser: Chromium, report: Path) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    browser.open(report)
    light = browser.run(colour)
    browser.prefer(color_scheme="dark")
    dark = browser.run(colour)
    assert light != dark
    browser.press("d")
    browser.press("d")
    assert browser.run("document.documentElement.dataset.theme") == "light"
    assert browser.run(colour) == light
    browser.press("d")
    assert browser.run(colour) == dark
    browser.run("localStorage.clear()")


def test_nothing_moves_for_who_wants_it_so(browser: Chromium, report: Path) -> None:
    browser.prefer(reduced_motion="reduce")
    browser.open(report)
    moving = (
        "[...document.querySelectorAll('*')].filter((one) => getComputedStyle(one).transitionDuration !== '0s').length"
    )
    assert browser.run(moving) == 0


VIEWS = ("summary", "changes", "source", "graph", "findings", "search")


@pytest.mark.parametrize(
    ("scheme", "size"),
    [("light", (1400, 900)), ("dark", (1400, 900)), ("dark", (400, 800))],
    ids=["light", "dark", "narrow"],
)
def test_no_rule_of_accessibility_is_broken(browser: Chromium, diff: Path, scheme: str, size: tuple[int, int]) -> None:
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text()
    browser.size(*size)
    browser.prefer(color_scheme=scheme)
    browser.open(diff)
    browser.run(axe + "; true")
    browser.run("chooseEnvironment('prod'); Search.run('demo'); true")
    for view in VIEWS:
        browser.run(f"select({json.dumps(view)}); if ({json.dumps(view)} === 'source') Source.goSpec([0, 8]); true")
        browser.settle()
        found: list[dict[str, Any]] = browser.run("axe.run(document).then((all) => all.violations)")
        told = [(one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]
        assert told == [], view


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_a_page_fits_a_narrow_window_and_twice_the_size(browser: Chromium, diff: Path, width: int) -> None:
    browser.size(width, 700, 2.0)
    browser.open(diff)
    for view in VIEWS:
        browser.run(f"select({json.dumps(view)}); true")
        browser.settle()
        assert browser.run("document.documentElement.scrollWidth <= window.innerWidth"), view
        rows = browser.run(f"document.querySelector('#panel-{view} .list')?.clientHeight ?? 100")
        assert rows >= 90, f"{view}: a list that is too low to be used"


def test_a_change_is_told_from_the_plan_to_the_fields(browser: Chromium, diff: Path) -> None:
    browser.size(1400, 900)
    browser.open(diff)
    told = browser.run("document.getElementById('panel-summary').textContent")
    for wanted in ("Plan: 1 to add, 1 to change, 1 to replace", "data loss", "GPUs 1 -> 4 (prod)", "edited by hand"):
        assert wanted in told
    assert "730 → 3,650 (+2,920)" in told
    browser.run("select('changes')")
    browser.settle()
    detail = "document.querySelector('#panel-changes .detail').textContent"
    assert "spec.trainer.numNodes14" in browser.run(detail)
    assert "hunter2" not in browser.run("document.getElementById('data').textContent")
    browser.run("document.querySelector('#panel-changes .detail button').click()")
    assert browser.run("[view, Source.out.file.path]") == ["source", "kubernetes/configmap-demo-training.yaml"]
    browser.run("select('changes'); Changes.list.host.focus()")
    browser.press("ArrowDown")
    assert "PersistentVolumeClaim ml/work" in browser.run(detail)
    browser.run("Changes.filter.value = 'add'; Changes.enter(); true")
    assert browser.run("Changes.rows.map((one) => one.subject)") == ["ConfigMap monitor"]


def test_a_file_is_shown_before_after_and_by_its_changes(browser: Chromium, diff: Path) -> None:
    browser.size(1400, 900)
    browser.open(diff)
    browser.run("select('source'); chooseEnvironment('dev'); Source.goFile('compose/compose.yaml'); true")
    browser.run("Source.outMode.value = 'changes'; Source.outMode.dispatchEvent(new Event('change')); true")
    browser.settle()
    rows = browser.run("Source.out.rows.filter((one) => one[0] !== ' ').map((one) => one[0])")
    assert set(rows) == {"+", "-"}
    whole = browser.run(
        "[['-', 1, 'before'], ['+', 2, 'after']].map(([mark, part, side]) => Source.out.rows"
        ".filter((one) => one[0] !== (mark === '-' ? '+' : '-')).map((one) => Source.out[side][one[part]]).join('\\n'))"
    )
    before, after = (pages.demo(text).output("dev") for text in (pages.BEFORE, pages.AFTER))
    assert before is not None and after is not None
    assert whole[0] + "\n" == before.files["compose/compose.yaml"].decode()
    assert whole[1] + "\n" == after.files["compose/compose.yaml"].decode()
    assert "C" in browser.run("Source.tree.host.textContent")


def test_lines_that_differ_are_the_fewest(browser: Chromium, report: Path) -> None:
    browser.open(report)
    draw = random.Random(7)
    for _ in range(60):
        old = [draw.choice("abcd") for _ in range(draw.randrange(12))]
        new = [draw.choice("abcd") for _ in range(draw.randrange(12))]
        rows = browser.run(f"lineDiff({json.dumps(old)}, {json.dumps(new)})")
        assert [old[row[1]] for row in rows if row[0] != "+"] == old
        assert [new[row[2]] for row in rows if row[0] != "-"] == new
        assert sum(row[0] == " " for row in rows) == common(old, new)


def common(old: list[str], new: list[str]) -> int:
    """The length of the longest common subsequence."""
    row_ = [0] * (len(new) + 1)
    for one in old:
        last = row_[:]
        for at, other in enumerate(new):
            row_[at + 1] = last[at] + 1 if one == other else max(last[at + 1], row_[at])
    return row_[-1]


@pytest.fixture(scope="module")
def large(folder: Path) -> Path:
    """A page of 3,000 objects, all of which change."""
    head = pages.demo(pages.AFTER)
    built = head.output("prod")
    assert built is not None
    ((target, items),) = built.emitted
    policy = next(one for one in items if isinstance(one, Document) and one.path.startswith("networkpolicy-demo-step"))
    many = [replace(policy, path=f"copies/policy-{number}.yaml") for number in range(3_000)]
    emitted = [(target, [*items, *many])]
    made = replace(built, emitted=emitted, files=rendering.render(emitted).files)
    objects = tuple(
        ObjectChange(
            action="change", target=target, file=f"{target}/{one.path}", kind="NetworkPolicy", name=f"policy-{number}"
        )
        for number, one in enumerate(many)
    )
    environments = (EnvironmentReview(name="prod", status="changed", objects=objects),)
    said = ProjectReview(spec="mlproject.yaml", name="demo", status="changed", environments=environments)
    whole = Compiled(outcome=head.outcome, built=(made,), files=head.files)
    text = page.render(
        [Pair(spec="mlproject.yaml", name="demo", head=whole, base=whole)],
        Review(base="main", head="", projects=(said,)),
    )
    path = folder / "large.html"
    path.write_text(text, encoding="utf-8")
    return path


def test_three_thousand_objects_are_there_within_two_seconds(browser: Chromium, large: Path) -> None:
    browser.size(1400, 900)
    assert large.stat().st_size < 3_000_000
    spent = min(browser.open(large, "#env=prod&view=changes") for _ in range(3))
    assert spent < SECOND
    assert browser.run("Changes.list.count") == 3_000
    assert browser.run("document.querySelectorAll('*').length") < 2_000
    browser.run("Changes.list.host.focus()")
    browser.press("End")
    assert browser.run("Changes.list.host.textContent.includes('policy-2999')")
    busy = browser.run(
        "(() => { const begun = performance.now(); select('source'); Source.goSpec([0, 1]); Source.onlyChanged = false;"
        " Source.fillTree(); Search.run('policy'); Source.goFile('kubernetes/copies/policy-2500.yaml', 9);"
        " return performance.now() - begun; })()"
    )
    assert busy < 1_000 * SECOND


HOSTILE = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata:
  name: demo
  description: "</script><script>window.broken = 1</script><!-- <img src=https://evil.example onerror=window.broken=1>"
steps:
  a:
    image: "acme/demo:1"
    command: [a.py, "</script><script>window.broken=1</script>", "<img src=x onerror=window.broken=1>", "\\u202E"]
environments:
  dev: {platform: compose}
"""


def test_no_text_of_a_project_becomes_part_of_the_page(browser: Chromium, folder: Path) -> None:
    made = Pair(spec="mlproject.yaml", name="</title><script>window.broken=1</script>", head=pages.demo(HOSTILE))
    path = folder / "hostile.html"
    text = page.render([made])
    path.write_text(text, encoding="utf-8")
    assert text.count("<script") == 2
    assert text.count("</script") == 2
    browser.open(path)
    for view in ("source", "graph", "findings", "search"):
        browser.run(f"select({json.dumps(view)}); Search.run('script'); true")
        browser.settle()
    assert browser.run("window.broken") is None
    assert browser.run("document.querySelectorAll('img, iframe, object, link').length") == 0
    assert "</script>" in browser.run("Source.outList.host.textContent + Source.specList.host.textContent")


def test_a_script_that_gets_in_all_the_same_is_not_run(browser: Chromium, folder: Path, report: Path) -> None:
    path = folder / "changed.html"
    text = report.read_text().replace("</body>", "<script>window.broken = 1</script></body>")
    path.write_text(text, encoding="utf-8")
    browser.open(path)
    assert browser.run("window.broken") is None
    assert any("Content Security Policy" in one for one in browser.errors)
    browser.errors.clear()
