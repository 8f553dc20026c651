"""A review as a terminal of 80 columns shows it."""

from __future__ import annotations

import re

import pytest

from mlwright.review.model import (
    Beyond,
    EnvironmentReview,
    FieldChange,
    Hazard,
    Load,
    ObjectChange,
    ProjectReview,
    Remark,
    Review,
)
from mlwright.review.text import render

COST = Hazard(risk="cost", reason="four times the GPU hours", rule="gpus")
LOSS = Hazard(risk="data-loss", reason="the volume goes with its data", rule="volume")
CODE = re.compile("\x1b\\[[0-9;]*m")


def change(action: str = "change", kind: str = "Deployment", name: str = "web", **more: object) -> ObjectChange:
    return ObjectChange(action=action, target="kubernetes", file="f.yaml", kind=kind, name=name, **more)  # type: ignore[arg-type]


def review(*environments: EnvironmentReview, remarks: tuple[Remark, ...] = (), notes: tuple[str, ...] = ()) -> Review:
    project = ProjectReview(
        spec="churn/mlproject.yaml", name="churn", status="changed", remarks=remarks, environments=environments
    )
    return Review(base="main", head="", projects=(project,), notes=notes)


def environment(name: str = "prod", **more: object) -> EnvironmentReview:
    return EnvironmentReview(name=name, status="changed", **more)  # type: ignore[arg-type]


def shown(item: Review, **options: bool) -> list[str]:
    return render(item, lambda file: None, **options).splitlines()  # type: ignore[arg-type]


def test_words_come_by_section_with_their_environments_and_classes_of_risk() -> None:
    remarks = (
        Remark(section="training", text="GPUs 1 -> 4", path=(), environments=("prod",), hazards=(COST,)),
        Remark(
            section="serving", text="online: traffic 10 -> 20", path=(), environments=("a", "prod"), everywhere=True
        ),
        Remark(section="training", text="nodes 1 -> 2", path=(), environments=("a", "prod")),
    )
    assert shown(review(remarks=remarks)) == [
        "churn (churn/mlproject.yaml)",
        "  serving",
        "    online: traffic 10 -> 20",
        "  training",
        "    GPUs 1 -> 4 (prod)  [cost]",
        "    nodes 1 -> 2 (a, prod)",
        "  risks",
        "    cost: four times the GPU hours",
        "",
        "Plan: 0 to add, 0 to change, 0 to replace, 0 to remove. Risk: cost",
    ]


def test_risks_come_once_the_gravest_first_and_decide_the_closing_line() -> None:
    objects = (change(hazards=(COST,)), change("remove", "PersistentVolumeClaim", "data", hazards=(LOSS, COST)))
    lines = shown(review(environment(objects=objects)))
    assert lines[1:4] == [
        "  risks",
        "    data-loss: the volume goes with its data",
        "    cost: four times the GPU hours",
    ]
    assert "    - PersistentVolumeClaim data  [data-loss, cost]" in lines
    assert lines[-1] == "Plan: 0 to add, 1 to change, 0 to replace, 1 to remove. Risk: data-loss"


def test_objects_are_one_line_each_and_full_shows_their_fields() -> None:
    fields = (
        FieldChange(path=("spec", "replicas"), before=1, after=2),
        FieldChange(path=("spec", "x"), after={"a": [1]}, added=True),
        FieldChange(path=("spec", "y"), before="text", removed=True),
    )
    item = review(environment(objects=(change(fields=fields), change("replace", "Job", "j", follows=True))))
    assert shown(item)[1:4] == [
        "  prod: 1 to change, 1 to replace",
        "    ~ Deployment web  3 fields",
        "    ! Job j  runs again",
    ]
    assert shown(item, full=True)[3:6] == [
        "        ~ spec.replicas: 1 -> 2",
        '        + spec.x: {"a": [1]}',
        '        - spec.y: "text"',
    ]


def test_what_only_follows_is_counted_by_kind() -> None:
    followers = tuple(change(kind="ConfigMap", name=f"c{number}", follows=True) for number in range(3))
    item = review(environment(followers=(*followers, change(kind="", name="a.txt", follows=True))))
    assert "    = 4 more follow in names and digests alone: 3 ConfigMap, 1 file" in shown(item)
    assert "    = ConfigMap c0  follows another change" in shown(item, full=True)


def test_loads_show_what_differs_and_that_it_is_a_bound() -> None:
    before = Load(cpu_hours=10, gpu_hours=(("a100", 100.0),), storage=5, price=10.0, currency="EUR")
    after = Load(cpu_hours=10, gpu_hours=(("a100", 400.0),), storage=5, price=40.0, currency="EUR", bound=True)
    lines = shown(review(environment(before=before, after=after)))
    assert "    GPU-hours/month (a100) 100 -> 400, about 4x, an upper bound from `timeout`" in lines
    assert "    EUR/month 10 -> 40, about 4x, an upper bound from `timeout`" in lines


def test_what_is_beyond_the_change_says_why_and_stale_files_are_counted() -> None:
    beyond = (
        Beyond(file="m/a.yaml", why="stale"),
        Beyond(file="m/b.yaml", why="stale"),
        Beyond(file="m/c.yaml", why="hand", fields=(FieldChange(path=("a",), before=1, after=2),)),
    )
    lines = shown(review(environment(beyond=beyond)))
    assert "    ? m/c.yaml: edited by hand, 1 field" in lines
    assert "    ? 2 committed files are not compiled after the project changed" in lines
    assert "    ? m/a.yaml: not compiled after the project changed" in shown(
        review(environment(beyond=beyond)), full=True
    )


def test_an_environment_without_a_difference_is_named_and_one_that_is_not_compiled_says_so() -> None:
    quiet = EnvironmentReview(name="dev", status="same")
    lines = shown(review(environment(compiled=False), quiet))
    assert "  prod: not compiled, because of its errors" in lines and "  nothing differs in dev" in lines


def test_without_projects_both_sides_are_named_and_notes_are_kept() -> None:
    assert shown(Review(base="main", head="topic", notes=("shallow",))) == [
        "note: shallow",
        "no difference between main and topic",
    ]


@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_terminal_and_nothing_hides_in_it(colour: bool) -> None:
    long = "x-" * 90
    remark = Remark(section="training", text=f"command {long} \x1b[2J {long}", path=(), environments=("prod",))
    objects = (change(name=long, fields=(FieldChange(path=(long,), before=long, after=f"{long}\n\x07"),)),)
    item = review(
        environment(objects=objects, beyond=(Beyond(file=long, why="hand"),)), remarks=(remark,), notes=(long,)
    )
    text = render(item, lambda file: None, full=True, colour=colour)
    assert "\x1b[2J" not in text and "\x07" not in text
    assert ("\x1b" in text) == colour
    assert max(len(CODE.sub("", line)) for line in text.splitlines()) <= 80


def test_secrets_in_texts_are_concealed() -> None:
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    remark = Remark(section="training", text=f"command {secret}", path=(), environments=("prod",))
    assert secret not in "\n".join(shown(review(remarks=(remark,), notes=(f"saw {secret}",))))


def test_of_an_environment_that_is_new_or_gone_the_objects_are_counted_by_kind() -> None:
    objects = (change("add", name="a"), change("add", name="b"), change("add", kind="", name="c.txt"))
    new = EnvironmentReview(name="prod", status="added", objects=objects)
    assert shown(review(new))[1:3] == ["  prod: added: 3 to add", "    2 Deployment, 1 file"]
    assert "    + Deployment a" in shown(review(new), full=True)
    assert shown(review(EnvironmentReview(name="dev", status="added")))[1] == "  dev: added: without objects"
