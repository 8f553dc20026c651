"""Small programs for the checks: every part has a default, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from mlwright import ir
from mlwright.diag import Diagnostic
from mlwright.span import Path


def origin(*path: str | int) -> ir.Origin:
    return ir.Origin(path=path)


def ref(path: str) -> ir.Template:
    return (ir.Ref(path),)


def words(*items: str | ir.Template) -> tuple[ir.Template, ...]:
    """Words of a command; text becomes a literal word."""
    return tuple((item,) if isinstance(item, str) else item for item in items)


def container(*argv: str | ir.Template, **fields: Any) -> ir.Container:
    return ir.Container(argv=words(*argv), **fields)


def task(id: str = "steps.a", *argv: str | ir.Template, **fields: Any) -> ir.Task:
    """A step whose command is `argv`, `python a.py` where none is given."""
    fields.setdefault("container", container(*(argv or ("python", "a.py"))))
    fields.setdefault("origin", origin(*id.split(".")))
    return ir.Task(id=id, name=id.rpartition(".")[2].replace("_", "-"), **fields)


def training(*argv: str | ir.Template, **fields: Any) -> ir.Task:
    return task("training", *(argv or ("python", "train.py", ref("params.lr"))), **fields)


def search(*space: ir.Dimension, **fields: Any) -> ir.Search:
    """A random search over `space`, `lr` from 0.1 to 0.9 where none is given; its trial is the training."""
    values: dict[str, Any] = {
        "trial": replace(fields.pop("trial", training()), id="tuning.trial", name="trial", origin=origin("training")),
        "training": "training",
        "objective": "auc",
        "goal": "maximize",
        "space": space or (ir.Dimension(param="lr", type="float", min=0.1, max=0.9),),
        "max_trials": 10,
        "origin": origin("tuning"),
    }
    return ir.Search(id="tuning", name="tuning", **(values | fields))


def gates(*items: ir.Gate, **fields: Any) -> ir.Gates:
    values: dict[str, Any] = {
        "step": "evaluation",
        "model": "churn",
        "metrics": (ir.Metric(name="auc", goal="maximize"),),
        "origin": origin("evaluation", "gates"),
    }
    return ir.Gates(id="evaluation.gates", name="evaluation-gates", gates=items, **(values | fields))


def registration(model: str = "churn", **fields: Any) -> ir.Registration:
    values: dict[str, Any] = {"step": "training", "output": "model", "origin": origin("registry")}
    return ir.Registration(id="registry", name="register", model=model, **(values | fields))


def service(name: str = "online", **fields: Any) -> ir.Service:
    values: dict[str, Any] = {"container": ir.Container(), "origin": origin("serving", name)}
    return ir.Service(id=f"serving.{name}", name=name, **(values | fields))


def alias(text: str, **fields: Any) -> ir.ModelSource:
    """`churn@champion` as an endpoint's model."""
    model, _, name = text.partition("@")
    return ir.ModelSource(kind="registry", model=model, alias=name, **fields)


def route(name: str, *to: str, mode: Any = "sequence") -> ir.Route:
    legs = tuple(ir.Leg(to=target) for target in to)
    return ir.Route(id=f"serving.{name}", name=name, mode=mode, legs=legs, origin=origin("serving", name))


def param(name: str = "lr", type: ir.ValueType = "float", **fields: Any) -> ir.Param:
    return ir.Param(name=name, type=type, origin=origin("params", name), **fields)


def storage(name: str, type: str, uri: str = "", **fields: Any) -> ir.Storage:
    return ir.Storage(name=name, type=type, uri=uri, origin=origin("storage", name), **fields)


def data(name: str, source: str = "x.csv", **fields: Any) -> ir.DataSource:
    return ir.DataSource(name=name, source=source, origin=origin("data", name), **fields)


def pipeline(name: str, *nodes: str) -> ir.Pipeline:
    return ir.Pipeline(name=name, nodes=nodes, origin=origin("pipelines", name))


def environment(platform: str = "local", **fields: Any) -> ir.Environment:
    return ir.Environment(name="dev", platform=platform, origin=origin("environments", "dev"), **fields)


def tracking(**fields: Any) -> ir.Tracking:
    return ir.Tracking(**({"version": "3.17.2", "origin": origin("tracking")} | fields))


def project(*nodes: ir.Node, **fields: Any) -> ir.Project:
    """A program with these nodes, the parameter `lr`, and everything else empty."""
    values: dict[str, Any] = {
        "name": "churn",
        "environment": environment(),
        "params": (param(),),
        "artifacts": storage("artifacts", "mlflow"),
        "tracking": tracking(),
    }
    return ir.Project(nodes=nodes, **(values | fields))


Check = Callable[[ir.Project], Iterable[Diagnostic]]


def codes(check: Check, program: ir.Project) -> list[str]:
    return [finding.code for finding in check(program)]


def only(check: Check, program: ir.Project) -> Diagnostic:
    """The single finding of `check`."""
    (finding,) = check(program)
    return finding


def place(check: Check, program: ir.Project) -> Path:
    return only(check, program).at.path
