"""One owner per node, or one diagnostic: over every orchestrator, set of systems, set of installed targets and kind."""

from __future__ import annotations

import itertools

import pytest

from mlwright.diag import Label
from mlwright.platform import TABLE, Asked, Owners, assign
from mlwright.platform.owners import REQUIRED_SYSTEM, Nobody, NodeKind, Orchestrator

SYSTEMS = (
    "argo_workflows", "kubeflow.pipelines", "kubeflow.katib", "kubeflow.trainer", "kubeflow.kserve",
    "kubeflow.notebooks", "kubeflow.profiles", "argo_events", "argo_cd", "prometheus_operator",
)  # fmt: skip
ORCHESTRATORS: tuple[Orchestrator, ...] = ("compose", "kubernetes", "argo", "kubeflow-pipelines")
TARGETS = ("compose", "kubernetes", "argo", "kubeflow", "mlflow")


def owners(
    kind: NodeKind,
    orchestrator: Orchestrator,
    systems: tuple[str, ...] = SYSTEMS,
    installed: tuple[str, ...] = TARGETS,
    explicit: str = "",
) -> Owners:
    return assign(
        [Asked(id="node", kind=kind, path=("steps", "node"), explicit=explicit)],
        orchestrator=orchestrator,
        systems=("kubernetes", *systems),
        installed=installed,
        environment="prod",
        platform=Label(path=("environments", "prod", "platform")),
    )


def test_every_node_has_exactly_one_owner_or_exactly_one_finding() -> None:
    subsets = [()] + [(system,) for system in SYSTEMS] + [tuple(s for s in SYSTEMS if s != left) for left in SYSTEMS]
    fleets = [fleet for size in range(len(TARGETS) + 1) for fleet in itertools.combinations(TARGETS, size)]
    cases = 0
    for kind, row in TABLE.items():
        for orchestrator in row:
            for systems in (*subsets, SYSTEMS):
                for installed in fleets:
                    found = owners(kind, orchestrator, systems, installed)
                    assert len(found.of) + len(found.findings) == 1, (kind, orchestrator, systems, installed)
                    if "node" in found.of:
                        assert found.of["node"] in installed
                    cases += 1
    assert cases > 4000


@pytest.mark.parametrize(
    ("kind", "orchestrator", "owner"),
    [
        ("graph", "compose", "compose"),
        ("graph", "kubernetes", "kubernetes"),
        ("graph", "argo", "argo"),
        ("graph", "kubeflow-pipelines", "kubeflow"),
        ("search", "argo", "kubeflow"),
        ("distributed", "argo", "kubeflow"),
        ("distributed", "kubernetes", "kubernetes"),
        ("endpoint", "kubeflow-pipelines", "kubeflow"),
        ("tracking", "argo", "kubernetes"),
        ("notebook", "kubernetes", "kubernetes"),
        ("namespace", "argo", "kubeflow"),
        ("gitops", "argo", "argo"),
    ],
)
def test_the_first_available_column_wins(kind: NodeKind, orchestrator: Orchestrator, owner: str) -> None:
    assert owners(kind, orchestrator).of == {"node": owner}


def test_the_next_column_owns_what_no_system_runs() -> None:
    assert owners("search", "argo", systems=("argo_workflows",)).of == {"node": "argo"}
    assert owners("endpoint", "argo", systems=("argo_workflows",)).of == {"node": "kubernetes"}


def test_a_target_that_is_not_installed_gives_one_error_for_all_its_nodes() -> None:
    found = assign(
        [Asked(id=f"steps.s{i}", kind="task", path=("steps", f"s{i}")) for i in range(9)],
        orchestrator="argo",
        systems=("kubernetes", "argo_workflows"),
        installed=("compose",),
        environment="prod",
        platform=Label(path=("environments", "prod", "platform")),
    )
    assert [item.code for item in found.findings] == ["OWN007"]
    assert "steps.s0, steps.s1 and 7 more" in found.findings[0].message
    assert found.findings[0].at.path == ("environments", "prod", "platform")


def test_an_orchestrator_that_the_platform_does_not_run_is_one_error() -> None:
    for orchestrator, system in REQUIRED_SYSTEM.items():
        if system not in ("", "kubernetes"):
            assert [item.code for item in owners("task", orchestrator, systems=()).findings] == ["OWN004"]


def test_owner_overrides_the_table() -> None:
    assert owners("search", "argo", explicit="argo").of == {"node": "argo"}


def test_the_mlproject_is_mlflows_everywhere_and_the_gateway_beside_the_server() -> None:
    for orchestrator in ORCHESTRATORS:
        assert owners("mlproject", orchestrator).of == {"node": "mlflow"}
        assert owners("gateway", orchestrator).of == {"node": "compose" if orchestrator == "compose" else "kubernetes"}


def test_the_tracking_server_may_be_mlflows_everywhere() -> None:
    for orchestrator in ORCHESTRATORS:
        assert owners("tracking", orchestrator, explicit="mlflow").of == {"node": "mlflow"}
        assert owners("tracking", orchestrator).of != {"node": "mlflow"}


def test_an_owner_that_never_lowers_such_a_node_is_refused() -> None:
    assert [item.code for item in owners("task", "argo", explicit="mlflow").findings] == ["OWN001"]


def test_an_owner_whose_system_does_not_run_is_refused() -> None:
    found = owners("search", "argo", systems=("argo_workflows",), explicit="kubeflow")
    assert [item.code for item in found.findings] == ["OWN001"]
    assert "kubeflow.katib" in found.findings[0].message


def test_a_laptop_and_a_cluster_cannot_both_own_one_graph() -> None:
    assert [item.code for item in owners("task", "argo", explicit="compose").findings] == ["OWN002"]
    assert [item.code for item in owners("task", "compose", explicit="argo").findings] == ["OWN002"]


def test_what_a_laptop_has_no_word_for_is_a_warning() -> None:
    ignored = [kind for kind, row in TABLE.items() if isinstance(row["compose"], Nobody)]
    assert {"trigger", "monitoring", "gitops"} <= set(ignored)
    for kind in ignored:
        found = owners(kind, "compose")
        assert [(item.code, item.severity) for item in found.findings] == [("OWN006", "warning")]
        assert found.ignored.keys() == {"node"}


def test_triggers_need_something_that_listens() -> None:
    assert [item.code for item in owners("trigger", "kubernetes").findings] == ["OWN001"]


@pytest.mark.parametrize(
    ("kind", "orchestrator", "explicit"),
    [("trigger", "kubernetes", ""), ("monitoring", "argo", ""), ("search", "argo", "kubeflow")],
)
def test_where_the_platform_lacks_a_system_its_place_is_shown_too(
    kind: NodeKind, orchestrator: Orchestrator, explicit: str
) -> None:
    (found,) = owners(kind, orchestrator, systems=("argo_workflows",), explicit=explicit).findings
    assert [label.path for label in found.related] == [("environments", "prod", "platform")]
