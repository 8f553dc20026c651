"""The comment of a pull request: what it says, that it fits, and that nothing in it does more than be read."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from mlwright.review import inert, markdown
from mlwright.review.model import EnvironmentReview, FieldChange, Hazard, ObjectChange, Review
from tests.unit.review import reviews

OURS = {"h3", "h4", "p", "ul", "li", "strong", "em", "code", "pre", "details", "summary", "b"} | {
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
VOID = {"hr", "br", "img", "input"}


QUICK = settings(
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # such reviews take minutes to shrink, and to print
    verbosity=Verbosity.quiet,
)


class Page(HTMLParser):
    """What GitHub makes of a comment: all elements, whether they close in order, and the text outside of code."""

    def __init__(self, comment: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str]] = set()
        self.comments: list[str] = []
        self.prose: list[str] = []
        self.codes: list[str] = []
        html = cmarkgfm.github_flavored_markdown_to_html(comment, options=Options.CMARK_OPT_UNSAFE)
        self.feed(html)
        self.close()
        assert self.open == [], html

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        inside = {"code", "pre"} & set(self.open)
        (self.codes if inside else self.prose).append(data)


def is_inert(comment: str) -> Page:
    page = Page(comment)
    assert set(page.tags) <= OURS, sorted(set(page.tags) - OURS)
    assert page.attributes <= {("lang", "diff"), ("lang", "text"), ("lang", "mermaid")}, page.attributes
    assert page.comments == [" mlwright:review "]
    prose = "\n".join(page.prose)
    for found in (r"@\w", r"#\d", r"://", r"www\.", r":\w+:", r"\bGH-\d", r"\b[0-9a-f]{7,40}\b"):
        assert not re.search(found, prose), (found, re.findall(f".{{0,30}}{found}.{{0,30}}", prose))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200c-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", comment)
    assert not any("\u200b" in text for text in page.codes if not text.startswith("flowchart"))
    return page


@settings(QUICK, max_examples=40)
@given(reviews.reviews)
def test_no_text_of_a_review_does_anything_in_its_comment(review: Review) -> None:
    comment = markdown.render(review)
    assert comment == markdown.render(review)
    assert inert.units(comment) <= markdown.LIMIT
    is_inert(comment)


@settings(QUICK, max_examples=20)
@given(reviews.reviews, st.integers(1_000, 8_000), st.integers(1, 30))
def test_a_comment_is_as_short_as_it_has_to_be_and_whole(review: Review, limit: int, times: int) -> None:
    review = replace(review, projects=review.projects * times, notes=review.notes * times)
    comment = markdown.render(review, limit)
    assert inert.units(comment) <= limit
    is_inert(comment)


@settings(QUICK, max_examples=150)
@given(reviews.texts, st.integers(1, 80))
def test_words_code_and_fences_show_one_text_each(text: str, width: int) -> None:
    comment = (
        f"<!-- mlwright:review -->\n\n- {inert.words(text, width)}\n- {inert.code(text, width)}\n\n"
        f"{inert.fence([text, text], 'diff', width)}\n"
    )
    page = is_inert(comment)
    assert (page.tags.count("li"), page.tags.count("pre"), page.tags.count("ul")) == (2, 1, 1)
    if len(text) <= width and text.isprintable() and text.strip() == text != "":
        if "`" * 17 not in text:  # longer runs are counted
            assert page.codes[0] == inert.conceal(text)
        assert "".join(page.prose).replace("\u200b", "").strip().startswith(inert.conceal(" ".join(text.split())))


def large(objects: int, fields: int, environments: int = 1, text: str = "x" * 100) -> Review:
    usual = reviews.usual()
    changes = tuple(FieldChange(path=("spec", f"f{n}"), before=n, after=text) for n in range(fields))
    many = tuple(
        ObjectChange(action="change", target="kubernetes", file=f"o{n}.yaml", kind="Job", name=f"o{n}", fields=changes)
        for n in range(objects)
    )
    one = usual.projects[0]
    made = tuple(EnvironmentReview(name=f"e{n}", status="changed", objects=many) for n in range(environments))
    return replace(usual, projects=(replace(one, environments=made),))


def test_the_first_line_is_a_marker_with_the_key_of_the_workflow() -> None:
    assert markdown.render(reviews.usual()).splitlines()[0] == "<!-- mlwright:review -->"
    assert markdown.render(reviews.usual(), key="nightly").splitlines()[0] == "<!-- mlwright:review nightly -->"


@pytest.mark.parametrize("key", ["a --> b", "x\ny", "a--b", "-->", "é", "k" * 101])
def test_a_key_that_could_end_the_marker_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        markdown.render(reviews.usual(), key=key)


def test_a_usual_change_reads_from_the_plan_to_the_fields() -> None:
    comment = markdown.render(reviews.usual())
    page = is_inert(comment)
    told = "".join(page.prose).replace("\u200b", "")
    order = (
        "Plan: 1 to add, 1 to change, 1 to replace, 0 to remove",
        "Gravest risk: data loss.",
        "GPUs 1 -> 4 (prod): cost",
        "trials 20 -> 40, in parallel 2 -> 4",
        "Risks",
        "(prod): the claim is made anew",
        "cost (prod): 2,920 GPU-hours more",
        "What it asks for",
        "a100: 730 → 3,650 (+2,920)",
        "Findings",
        "the output `table` is never read",
        "Beyond the change of the project",
        "edited by hand",
        "Step graph of prod",
        "staging: nothing changes.",
    )
    places = [told.find(text) for text in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    code = "".join(page.codes)
    assert "- spec.trainer.numNodes: 1\n+ spec.trainer.numNodes: 4" in code
    assert "-python train.py --gpus 1\n+python train.py --gpus 4" in code
    assert "parallel 2 -> 4 (" not in told, "what is true everywhere names no environment"


def test_equal_risks_of_several_objects_are_one_line() -> None:
    usual = reviews.usual()
    project = usual.projects[0]
    item = project.environments[1].objects[1]
    several = tuple(replace(item, name=f"work-{number}") for number in range(5))
    environments = tuple(EnvironmentReview(name=name, status="changed", objects=several) for name in ("a", "b"))
    comment = markdown.render(replace(usual, projects=(replace(project, environments=environments),)))
    (line,) = (line for line in comment.splitlines() if line.startswith("- **data loss**"))
    assert line.startswith("- **data loss** (a, b): the claim is made anew")
    assert line.endswith("`PersistentVolumeClaim ml/work-2` and 2 more")


def test_a_review_without_projects_says_so() -> None:
    comment = markdown.render(Review(base="main", head="", notes=("`old/` is a submodule",)))
    assert "No project changes." in comment
    assert "the working tree" in comment
    assert "Gravest" not in comment


@pytest.mark.parametrize(
    ("review", "shown", "gone"),
    [
        (large(50, 2), "o49", "not shown"),
        (large(30, 40), "f7: ", "f8: "),
        (large(300, 40), "o299", "f0"),
        (large(3_000, 1), "o99", "o100"),
        (large(100, 3, environments=60), "e59", "Job o1"),
        (large(0, 0, environments=5_000), "**e9**", "**e10**"),
    ],
    ids=["all fits", "eight fields", "no fields", "a hundred objects", "no objects", "very many environments"],
)
def test_what_does_not_fit_goes_in_the_order_of_its_weight(review: Review, shown: str, gone: str) -> None:
    comment = markdown.render(review)
    assert inert.units(comment) <= markdown.LIMIT
    assert shown in comment
    assert gone not in comment
    assert "GPUs 1 -" in comment, "remarks are the last to go"
    is_inert(comment)


def test_what_is_gone_is_counted() -> None:
    comment = markdown.render(large(3_000, 1))
    assert "*2,900 more objects not shown here.*" in comment
    assert "Plan: 0 to add, 3,000 to change" in comment
    assert "*1 field not shown here.*" in comment


def test_a_huge_review_takes_no_time_to_fold() -> None:
    comment = markdown.render(large(3_000, 10), 1_000)
    assert inert.units(comment) <= 1_000


def test_ten_thousand_remarks_still_leave_the_plan_and_a_count() -> None:
    usual = reviews.usual()
    project = usual.projects[0]
    comment = markdown.render(replace(usual, projects=(replace(project, remarks=project.remarks * 5_000),) * 3))
    assert "Plan: 3 to add" in comment
    assert re.search(r"\*9,\d+ more remarks not shown here\.\*", comment)


SECRETS = ("hunter2-is-no-secret", "ghp_" + "a1B2c3" * 6, "AKIAABCDEFGHIJKLMNOP", "postgres://u:pa55word@h/db")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("where", ["named", "within", "entry", "text", "remark", "reason", "finding"])
def test_nothing_that_looks_like_a_secret_is_shown(secret: str, where: str) -> None:
    value: dict[str, object] = {"env": [{"name": "DB_PASSWORD", "value": secret}], "API_TOKEN": secret}
    changes = {
        "named": FieldChange(path=("env", "name=DB_PASSWORD", "value"), before="old-" + secret, after=secret),
        "within": FieldChange(path=("spec",), after=value, added=True),  # type: ignore[arg-type]
        "entry": FieldChange(path=("data", "DB_PASSWORD"), after=secret, added=True),
        "text": FieldChange(path=("run",), before="a\nb\n", after=f"a\nexport DB_PASSWORD={secret}\n"),
    }
    usual = reviews.usual()
    project = usual.projects[0]
    said = f"DB_PASSWORD={secret}"
    if where in changes:
        item = ObjectChange(action="change", target="t", file="f", kind="K", name="n", fields=(changes[where],))
        environments = (EnvironmentReview(name="prod", status="changed", objects=(item,)),)
        project = replace(project, environments=environments)
    elif where == "remark":
        project = replace(project, remarks=(replace(project.remarks[0], text=said),))
    elif where == "reason":
        hazard = Hazard(risk="security", reason=said, rule="r")
        project = replace(project, remarks=(replace(project.remarks[0], hazards=(hazard,)),))
    else:
        found = project.environments[1].findings[0]
        project = replace(project, findings=(replace(found, message=said, help=said),))
    comment = markdown.render(replace(usual, projects=(project,)))
    assert secret not in comment.replace("&#8203;", "")
    assert "***" in comment or "&#42;&#42;" in comment


@pytest.mark.parametrize(
    "line",
    [
        '  click n0 "https://evil.example"',
        '%%{init: {"securityLevel": "loose"}}%%',
        '  n0["<img src=x>"]',
        "  a; click b call f()",
    ],
)
def test_a_graph_that_could_act_is_shown_as_text(line: str) -> None:
    usual = reviews.usual()
    project = replace(usual.projects[0], graphs=(("prod", f"{reviews.GRAPH}{line}\n"),))
    comment = markdown.render(replace(usual, projects=(project,)))
    assert "```mermaid" not in comment
    assert "```text" in comment


@pytest.mark.parametrize(
    "line", ["", '  n2["dead#95;link<br/>2 GPUs"]\n', '  n2["$\u200b$"]\n  linkStyle 0 stroke:red\n']
)
def test_a_graph_is_a_mermaid_block_as_it_is(line: str) -> None:
    usual = reviews.usual()
    project = replace(usual.projects[0], graphs=(("prod", reviews.GRAPH + line),))
    assert f"```mermaid\n{reviews.GRAPH}{line}```" in markdown.render(replace(usual, projects=(project,)))
