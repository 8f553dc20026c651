"""`$${` is a literal `${` wherever a value is written, not in commands alone."""

from __future__ import annotations

from mlwright import ir, registry
from mlwright.analysis import analyse
from mlwright.source.files import Memory
from tests.unit.passes.understood import HEAD

SPEC = """\
defaults: {steps: {image: "demo:1"}}
params:
  a: {type: string, default: "<$${HOME}>", choices: ["<$${HOME}>", "$${x}"]}
  j: {type: json, default: {k: ["$${y}"]}}
  copy: {type: string, default: "${metadata.name} $${z}"}
steps:
  one: {command: [python, a.py, "${params.a}"], for_each: {k: ["$${i}", plain]}, labels: {x: "y"}}
training:
  command: [python, t.py, "${params.a}"]
  metrics: {m: {goal: maximize, pattern: "m=(\\\\S+)", sample: "m=1"}}
tuning:
  objective: m
  algorithm: random
  space: {a: {values: ["<$${HOME}>", "$${x}"]}}
  trial: {params: {copy: "$${t}"}}
  trials: {max: 2}
pipelines: {main: {run: [training, steps.one], params: {copy: "$${p}"}}}
environments: {local: {platform: local}}
"""


def lowered(**params: ir.Json) -> ir.Project:
    found = analyse(Memory({"mlproject.yaml": HEAD + SPEC}), "mlproject.yaml", registry.installed(), params=params)
    (environment,) = found.environments
    assert environment.project is not None, [item.message for item in environment.findings]
    return environment.project


def test_defaults_choices_spaces_items_and_parameters_of_runs_are_what_they_mean() -> None:
    project = lowered()
    params = {param.name: param for param in project.params}
    assert params["a"].default == "<${HOME}>" and params["a"].choices == ("<${HOME}>", "${x}")
    assert params["j"].default == {"k": ["${y}"]} and params["copy"].default == "demo ${z}"
    nodes = {node.id: node for node in project.nodes}
    search, step = nodes["tuning"], nodes["steps.one"]
    assert isinstance(search, ir.Search) and isinstance(step, ir.Task)
    assert search.space[0].values == ("<${HOME}>", "${x}")
    assert dict(search.trial.values) == {"copy": "${t}"}
    assert step.for_each.keys == (("k", ("${i}", "plain")),)
    assert dict(project.pipelines[0].params) == {"copy": "${p}"}


def test_a_parameter_of_the_command_line_is_taken_as_it_is() -> None:
    params = {param.name: param for param in lowered(copy="${HOME} $${x}").params}
    assert params["copy"].default == "${HOME} $${x}"
