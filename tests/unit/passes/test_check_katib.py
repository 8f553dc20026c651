"""Searches that Katib owns: what it would refuse once a run has started is found before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mlwright import ir
from mlwright.diag import Diagnostic
from mlwright.passes.check_katib import check_katib
from mlwright.platform import BUILTIN, Profile
from mlwright.platform.file import read_platform
from mlwright.source.files import Memory
from tests.unit.passes.factory import environment, project, search, training

OWNERS = {"tuning": "kubeflow", "tuning.trial": "kubernetes"}
KUBEFLOW = BUILTIN["kubeflow"]
BELL = ir.Dimension(param="lr", type="float", min=0.1, max=0.9, distribution="normal")
LOG = ir.Dimension(param="lr", type="float", min=0.1, max=0.9, distribution="log_uniform")
PBT = {"suggestion_trial_dir": "/ckpt", "n_population": 5, "truncation_threshold": 0.2}


def written(lines: str = "") -> Profile:
    head = 'apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: argo\nkubernetes: "1.36"\n'
    text = head + 'argo_workflows: "4.1"\nkubeflow: {katib: "0.19"}\n' + lines
    profile, bag = read_platform(Memory({"prod.yaml": text}), "", "prod.yaml", ("platform",))
    assert profile is not None
    assert [item.message for item in bag] == []
    return profile


def found(
    node: ir.Search, platform: Profile = KUBEFLOW, owners: Mapping[str, str] = OWNERS, **where: Any
) -> list[Diagnostic]:
    return list(check_katib(project(node, environment=environment("prod.yaml", **where)), platform, owners))


def by(algorithm: str, *space: ir.Dimension, **fields: Any) -> ir.Search:
    settings = fields.pop("settings", PBT if algorithm == "pbt" else {})
    return search(*space, algorithm=algorithm, settings=tuple(settings.items()), **fields)


@pytest.mark.parametrize(
    "node",
    [
        search(),
        by("tpe", settings={"n_ei_candidates": 5, "gamma": 0.2}),
        by("random", BELL),
        by("tpe", BELL),
        by("multivariate-tpe", LOG, settings={"n_startup_trials": 5}),
        by("bayesianoptimization", LOG),
        by("cmaes"),
        by("grid", replace(BELL, step=0.1)),
        by("pbt", resume="volume"),
        search(early_stopping="medianstop"),
        search(trial=training(metrics_from=ir.MetricsFrom(type="tensorboard", path="/logs"))),
    ],
)
def test_what_katib_can_do_is_fine(node: ir.Search) -> None:
    assert found(node) == []


@pytest.mark.parametrize(
    ("node", "path", "says"),
    [
        (
            by("tpe", settings={"n_startup_trials": 5}),
            ("tuning", "algorithm", "settings", "n_startup_trials"),
            "Katib's `tpe` has no setting `n_startup_trials`",
        ),
        (
            by("pbt", resume="volume", settings={**PBT, "resample_probability": 0.5}),
            ("tuning", "algorithm", "settings", "resample_probability"),
            "Katib's pbt fails on `resample_probability`",
        ),
        (by("multivariate-tpe", BELL), ("tuning", "space", "lr", "distribution"), "fails on `normal`"),
        (by("bayesianoptimization", BELL), ("tuning", "space", "lr", "distribution"), "fails on `normal`"),
        (by("pbt"), ("tuning", "algorithm", "name"), "checkpoints in a volume"),
        (by("pbt", resume="running"), ("tuning", "resume"), "checkpoints in a volume"),
        (
            by("pbt", resume="volume", settings={**PBT, "suggestion_trial_dir": "ckpt"}),
            ("tuning", "algorithm", "settings", "suggestion_trial_dir"),
            "`ckpt` is none",
        ),
        (
            search(trial=training(metrics_from=ir.MetricsFrom(type="tensorboard", path="logs"))),
            ("training", "metrics_from"),
            "`logs` is no full path",
        ),
        (
            search(
                trial=training(metrics_from=ir.MetricsFrom(type="tensorboard", path="/a")), early_stopping="medianstop"
            ),
            ("tuning", "early_stopping"),
            "stops no trial early",
        ),
        (search(trial=training(contract="bare")), ("training", "contract"), "without the launcher"),
    ],
)
def test_what_katib_refuses_is_found_at_its_line(node: ir.Search, path: tuple[str, ...], says: str) -> None:
    (one,) = found(node)
    assert (one.code, one.severity, one.at.path) == ("TUNE017", "error", path)
    assert says in one.message
    assert one.help


@pytest.mark.parametrize("algorithm", ["cmaes", "sobol", "hyperband", "pbt"])
def test_a_distribution_that_katib_does_not_hear_is_a_warning(algorithm: str) -> None:
    (one,) = found(by(algorithm, LOG, resume="volume"))
    assert (one.code, one.severity) == ("TUNE017", "warning")
    assert "uniform distribution all the same" in one.message


def test_a_collector_that_ops_have_to_add_is_a_warning() -> None:
    (one,) = found(search(trial=training(metrics_from=ir.MetricsFrom(type="prometheus", port=80))))
    assert (one.code, one.severity, one.at.path) == ("TUNE017", "warning", ("training", "metrics_from"))


def test_nothing_is_said_of_a_search_that_another_target_owns() -> None:
    node = by("tpe", settings={"n_startup_trials": 5})
    assert found(node, owners={"tuning": "argo"}) == []
    assert found(node, BUILTIN["argo"], {"tuning": "argo"}) == []
    assert found(node, BUILTIN["compose"], {"tuning": "compose"}) == []


def test_pbt_on_a_cluster_without_katib_is_found() -> None:
    (one,) = found(by("pbt", resume="volume"), BUILTIN["argo"], {"tuning": "argo"})
    assert one.code == "TUNE011"
    systems = {name: version for name, version in KUBEFLOW.systems.items() if name != "kubeflow.katib"}
    (one,) = found(by("pbt", resume="volume"), replace(KUBEFLOW, systems=systems))
    assert one.code == "TUNE011"


def test_a_group_of_pods_cannot_be_made_for_each_trial() -> None:
    spread = ir.Distributed(nodes_min=2, nodes_max=2)
    node = search(trial=training(distributed=spread, container=ir.Container(placement="gpus")))
    platform = written('volcano: "1.15"\npod_security: baseline\nplacements: {gpus: {gang: volcano}}\n')
    (one,) = found(node, platform)
    assert (one.code, one.at.path) == ("TUNE017", ("training", "placement"))
    assert found(node, platform, {**OWNERS, "tuning.trial": "kubeflow"}) == []


@pytest.mark.parametrize(
    ("mesh", "refused"),
    [
        ("{mtls: strict, native_sidecars: true}", True),
        ("{mtls: strict, native_sidecars: true, permissive_ports: true}", False),
        ("{mtls: permissive, native_sidecars: true}", False),
        ("{mtls: strict}", False),  # of all steps, which is said elsewhere
    ],
)
def test_trials_have_no_sidecar_and_cannot_reach_a_tracking_server_in_a_strict_mesh(mesh: str, refused: bool) -> None:
    lines = f'istio: "1.30"\nkatib: {{inject_security_context: true}}\nmesh: {mesh}\n'
    assert [one.code for one in found(search(), written(lines))] == (["PLAT010"] if refused else [])


@pytest.mark.parametrize(
    ("lines", "where", "severity"),
    [
        ("", {"namespace": "ml", "namespace_create": True}, "error"),
        ("", {"namespace": "ml"}, "warning"),
        ("namespaces: {ml: {create: true}}\n", {"namespace": "ml"}, "error"),
        ("pod_security: baseline\n", {"namespace": "ml", "namespace_create": True}, ""),
        ("katib: {inject_security_context: true}\n", {"namespace": "ml", "namespace_create": True}, ""),
    ],
)
def test_a_restricted_namespace_takes_no_sidecar_without_a_security_context(
    lines: str, where: dict[str, Any], severity: str
) -> None:
    said = [(one.code, one.severity) for one in found(search(), written(lines), **where)]
    assert said == ([("TUNE018", severity)] if severity else [])
    profiled = found(search(), written(lines), {**OWNERS, "namespace": "kubeflow"}, **where)
    assert [one.severity for one in profiled] == (["warning"] if severity else [])
