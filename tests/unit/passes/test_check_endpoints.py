"""SERVE008 and STEP009: references that nobody could fill in."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.passes.check_endpoints import check_endpoints
from tests.unit.passes.factory import alias, codes, container, data, only, origin, project, ref, service, task

SERVED = alias("churn@champion")


def endpoint(path: str, **fields: Any) -> ir.Project:
    """A program with an endpoint whose command refers to `path`."""
    fields.setdefault("source", SERVED)
    sources = (data("lake", "s3://acme/x"), data("here", "x.csv", local=True))
    return project(services=(service(container=container("serve", ref(path)), **fields),), data=sources)


@pytest.mark.parametrize(
    "path",
    ["params.p", "secrets.s.K", "storage.w", "data.lake", "data.lake.uri", "data.here", "registry.churn@champion"],
)
def test_an_endpoint_may_refer_to_what_outlives_a_run(path: str) -> None:
    assert codes(check_endpoints, endpoint(path)) == []


@pytest.mark.parametrize(
    "path",
    [
        *("run.id", "run.status", "trial.name", "each.store", "event.body.k", "outputs.x"),
        *("steps.a.outputs.t", "evaluation.metrics.auc", "registry.churn@other"),
    ],
)
def test_an_endpoint_knows_nothing_of_a_run(path: str) -> None:
    finding = only(check_endpoints, endpoint(path))
    assert (finding.code, finding.at.path) == ("SERVE008", ("serving", "online", "command", 1))
    assert finding.help


def test_the_model_of_a_variant_is_fetched_too() -> None:
    variant = ir.Variant(name="b", source=alias("churn@challenger"))
    assert codes(check_endpoints, endpoint("registry.churn@challenger", variants=(variant,))) == []


def test_without_a_model_no_launcher_downloads_or_fetches_anything() -> None:
    none = ir.ModelSource()
    assert only(check_endpoints, endpoint("data.lake", source=none)).help == "write `${data.lake.uri}`, the address"
    assert codes(check_endpoints, endpoint("data.here", source=none)) == []
    assert codes(check_endpoints, endpoint("registry.churn@champion", source=none)) == ["SERVE008"]


def test_a_reference_in_a_script_is_shown_at_the_script_once() -> None:
    box = container(env=(("MLWRIGHT_RUN_STATUS", ref("run.status")),), script="serve $MLWRIGHT_RUN_STATUS")
    finding = only(check_endpoints, project(services=(service(container=box, source=SERVED),)))
    assert finding.at.path == ("serving", "online", "command")


def test_a_notebook_is_not_part_of_a_run_either() -> None:
    book = ir.Notebook(
        id="notebooks.n", name="n", container=container("x", ref("run.id")), origin=origin("notebooks", "n")
    )
    assert only(check_endpoints, project(notebooks=(book,))).at.path == ("notebooks", "n", "command", 1)


@pytest.mark.parametrize(("contract", "found"), [("bare", ["STEP009"]), ("launcher", [])])
def test_a_bare_step_is_given_nothing_by_the_launcher(contract: Any, found: list[str]) -> None:
    assert codes(check_endpoints, project(task("steps.a", "x", ref("outputs.t"), contract=contract))) == found
    assert codes(check_endpoints, project(task("steps.a", "x", ref("params.p"), contract=contract))) == []
