"""Texts of the user's reach programs unchanged: Argo's substitution finds nothing of them, and fills in all of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.targets.argo.sample import churn, emitted, environment, on_argo, spec, template

from mlwright import ir
from mlwright.testing.programs import NAUGHTY, container, origin, project, task

OURS = re.compile(
    r"\{\{(workflow\.(uid|status|parameters\.[a-z0-9_-]+)|inputs\.parameters\.(item|count|search)|item"
    r"|tasks\.[a-z0-9-]+\.(ip|outputs\.result))\}\}"
)


def replayed(value: Any, variables: Mapping[str, str]) -> Any:
    """Argo's simple template: each tag in the JSON text becomes its variable's value, escaped; others stay. Twice, as
    a template is filled in first and its pod again."""
    text = json.dumps(value)
    for _ in range(2):
        text = re.sub(r"\{\{(.*?)\}\}", lambda tag: _filled(tag[0], tag[1].strip(), variables), text)
    return json.loads(text)


def _filled(tag: str, name: str, variables: Mapping[str, str]) -> str:
    return json.dumps(variables[name])[1:-1] if name in variables else tag


def naughty() -> ir.Project:
    """A program with naughty text in every place that a user can write one."""
    step = task(
        "steps.x",
        container=container(
            "python",
            *NAUGHTY,
            env=tuple((f"V{number}", (text,) if text else ()) for number, text in enumerate(NAUGHTY)),
        ),
        params=tuple(f"p{number}" for number in range(len(NAUGHTY))),
    )
    script = task("steps.y", container=container(argv=(), script="\n".join(NAUGHTY)))
    params = tuple(
        ir.Param(name=f"p{number}", type="string", default=text, origin=origin("params", f"p{number}"))
        for number, text in enumerate(NAUGHTY)
    )
    return on_argo(project(step, script), params=params)


def test_every_tag_in_a_workflow_is_one_of_ours() -> None:
    for made in (churn(), naughty()):
        for (kind, name), item in emitted(made).items():
            if kind in ("WorkflowTemplate", "CronWorkflow", "Workflow"):
                left = OURS.sub("", json.dumps(item))
                assert "{{" not in left, (name, left[left.find("{{") - 60 :][:120])


def test_documents_are_as_they_were_whatever_argo_fills_in() -> None:
    variables = {"workflow.name": "pwned", "workflow.uid": "1", "$": "pwned", "name": "pwned"}
    for (kind, _), item in emitted(naughty()).items():
        if kind == "ConfigMap":
            assert replayed(item, variables) == item


def test_a_naughty_word_arrives_in_its_document() -> None:
    found = emitted(naughty())
    (document,) = [
        json.loads(item["data"]["step.json"])
        for (kind, name), item in found.items()
        if kind == "ConfigMap" and name.startswith("churn-x-")
    ]
    assert ["".join(word) for word in document["command"]["argv"][1:]] == list(NAUGHTY)


@pytest.mark.parametrize("text", [text for text in NAUGHTY if "{{" not in text])
def test_a_value_that_is_submitted_arrives_in_its_file(text: str) -> None:
    made = template(spec(naughty()), "x")
    filled = replayed(made, {"workflow.parameters.p0": text, "workflow.uid": "run-1"})
    (file,) = [one for one in filled["inputs"]["artifacts"] if one["name"] == "p0"]
    assert (file["path"], file["raw"]["data"]) == ("/mlwright/parameters/p0", text)
    assert environment(filled)["MLWRIGHT_RUN"] == "run-1"


def test_a_default_with_braces_stays_in_the_document_alone() -> None:
    found = spec(naughty())
    braces = {f"p{number}" for number, text in enumerate(NAUGHTY) if "{{" in text}
    assert braces and not braces & {one["name"] for one in found["arguments"]["parameters"]}
    assert not braces & {one["name"] for one in template(found, "x")["inputs"]["artifacts"]}


def test_parameters_are_arguments_with_the_values_that_the_pipeline_gives() -> None:
    made = churn()
    made = replace(made, pipelines=(replace(made.pipelines[0], params=(("epochs", 3),)),))
    assert spec(made)["arguments"]["parameters"] == [
        {"name": "learning_rate", "value": "0.05"},
        {"name": "epochs", "value": "3"},
        {"name": "stores", "value": '["a"]'},
    ]


def test_a_step_gets_the_parameters_that_are_its_own_to_take() -> None:
    found = spec(churn())

    def given(name: str) -> list[str]:
        return [one["name"] for one in template(found, name).get("inputs", {}).get("artifacts", [])]

    assert (given("training"), given("later"), given("later-items"), given("features")) == (
        ["epochs"],
        ["stores"],
        ["stores"],
        [],
    )
    assert "MLWRIGHT_PARAMETERS" not in environment(template(found, "features"))


def test_a_fixed_value_is_not_taken_from_outside() -> None:
    step = replace(task("steps.x"), params=("a",), values=(("a", 1),))
    param = ir.Param(name="a", type="int", default=5, origin=origin("params", "a"))
    assert "arguments" not in spec(on_argo(project(step), params=(param,)))


def test_choices_can_be_picked_and_what_has_no_value_must_be_given() -> None:
    step = replace(task("steps.x"), params=("size", "rows"))
    params = (
        ir.Param(name="size", type="string", default="s", choices=("s", "l"), origin=origin("params", "size")),
        ir.Param(name="rows", type="int", required=True, origin=origin("params", "rows")),
    )
    assert spec(on_argo(project(step), params=params))["arguments"]["parameters"] == [
        {"name": "size", "value": "s", "enum": ["s", "l"]},
        {"name": "rows"},
    ]


def test_the_event_that_starts_a_pipeline_is_an_argument() -> None:
    made = project(task("steps.x"))
    made = replace(made, pipelines=(replace(made.pipelines[0], triggers=(ir.Trigger(name="t", type="webhook"),)),))
    found = spec(on_argo(made))
    assert found["arguments"]["parameters"] == [{"name": "mlwright-event", "value": "{}"}]
    assert template(found, "x")["inputs"]["artifacts"][0]["path"] == "/mlwright/parameters/mlwright-event"
