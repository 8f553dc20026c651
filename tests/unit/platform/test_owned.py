"""Why a target owns a node: over the whole table, and in words."""

from __future__ import annotations

import itertools

import pytest

from mlwright.diag import Label
from mlwright.platform import TABLE, Asked, Owned, assign, owned
from mlwright.platform.owners import NodeKind, Orchestrator

PLATFORM = Label(path=("environments", "prod", "platform"))
SYSTEMS = sorted(
    {s for row in TABLE.values() for cell in row.values() if isinstance(cell, tuple) for c in cell for s in c.systems}
)
TARGETS = ("compose", "kubernetes", "argo", "kubeflow", "mlflow")


def shown(
    kind: NodeKind,
    orchestrator: Orchestrator,
    *systems: str,
    installed: tuple[str, ...] = TARGETS,
    explicit: str = "",
) -> tuple[Owned, ...]:
    nodes = [Asked(id="node", kind=kind, path=("steps", "node"), explicit=explicit)]
    listed = ("kubernetes", *systems)
    owners = assign(
        nodes,
        orchestrator=orchestrator,
        systems=listed,
        installed=installed,
        environment="prod",
        platform=PLATFORM,
    )
    found = tuple(owned(nodes, owners, orchestrator=orchestrator, systems=listed))
    assert [one.target for one in found if one.target] == list(owners.of.values())
    return found


def test_every_owner_that_the_table_gives_has_a_reason() -> None:
    explained = 0
    for kind, row in TABLE.items():
        for orchestrator in row:
            for missing in (None, *SYSTEMS):
                systems = [system for system in SYSTEMS if system != missing]
                for size, explicit in itertools.product((1, len(TARGETS)), ("", "kubernetes")):
                    for installed in itertools.combinations(TARGETS, size):
                        found = shown(kind, orchestrator, *systems, installed=installed, explicit=explicit)
                        assert all(one.why for one in found)
                        explained += len(found)
    assert explained > 500


@pytest.mark.parametrize(
    ("kind", "orchestrator", "systems", "target", "why"),
    [
        ("task", "compose", (), "compose", "usual with orchestrator compose"),
        ("task", "argo", ("argo_workflows",), "argo", "the platform lists argo_workflows"),
        (
            "search",
            "argo",
            ("argo_workflows", "kubeflow.katib"),
            "kubeflow",
            "the platform lists kubeflow.katib",
        ),
        ("search", "argo", ("argo_workflows",), "argo", "the platform lists argo_workflows; no kubeflow.katib"),
        (
            "distributed",
            "argo",
            ("argo_workflows",),
            "kubernetes",
            "usual with orchestrator argo; no kubeflow.trainer or kubeflow.training_operator",
        ),
        (
            "distributed",
            "argo",
            ("argo_workflows", "kubeflow.training_operator"),
            "kubeflow",
            "the platform lists kubeflow.training_operator",
        ),
        ("namespace", "compose", (), "", "Compose has no namespaces"),
    ],
)
def test_the_reason_is_in_words(
    kind: NodeKind, orchestrator: Orchestrator, systems: tuple[str, ...], target: str, why: str
) -> None:
    assert shown(kind, orchestrator, *systems) == (Owned("node", kind, target, why),)


def test_a_candidate_that_is_not_installed_is_named() -> None:
    (found,) = shown("endpoint", "argo", "argo_workflows", "kubeflow.kserve", installed=("argo", "kubernetes"))
    assert (found.target, found.why) == (
        "kubernetes",
        "usual with orchestrator argo; target kubeflow is not installed",
    )


def test_what_the_project_says_is_the_reason_where_it_says_it() -> None:
    (found,) = shown("search", "argo", "argo_workflows", "kubeflow.katib", explicit="argo")
    assert (found.target, found.why) == ("argo", "`owner` says so")


def test_a_refused_node_is_left_to_the_findings() -> None:
    assert shown("trigger", "kubernetes") == ()
