"""From containers to the states of steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlwright.engine import states
from mlwright.engine.compose import Container
from mlwright.engine.stack import load
from mlwright.engine.states import Seen

STACK = load(Path(__file__).parents[2] / "golden/breast-cancer/compose/compose")
NODES = states.nodes(STACK.started_by("main"))


def container(service: str, state: str, exit_code: int = 0, **more: object) -> Container:
    return Container(service=service, name=f"p-{service}-1", state=state, exit_code=exit_code, **more)  # type: ignore[arg-type]


UPGRADED = container("mlflow-upgrade", "exited")


def test_there_is_one_row_for_each_line_of_the_spec() -> None:
    assert list(NODES) == [
        "tracking",
        "steps.features",
        "tuning",
        "training",
        "evaluation",
        "evaluation.gates",
        "registry",
        "serving.online",
    ]
    assert [item.name for item in NODES["tuning"]] == ["search"]


@pytest.mark.parametrize(
    ("node", "containers", "state", "detail"),
    [
        ("training", [], "waiting", ""),
        ("training", [container("training", "created")], "waiting", ""),
        ("training", [container("training", "running")], "running", ""),
        ("training", [container("training", "exited")], "finished", ""),
        ("training", [container("training", "exited", 65)], "failed", "exit code 65: a declared output is missing"),
        ("training", [container("training", "exited", 137)], "failed", "exit code 137: killed (SIGKILL), often for"),
        ("training", [container("training", "exited", 3)], "failed", "exit code 3"),
        ("training", [container("training", "dead", 1)], "failed", "exit code 1"),
        ("tuning", [container("search", "running"), container("trial", "exited", 1)], "running", ""),
        ("tracking", [UPGRADED, container("mlflow", "running", health="starting")], "running", "starting"),
        (
            "tracking",
            [UPGRADED, container("mlflow", "running", health="unhealthy")],
            "failed",
            "its health check fails",
        ),
        ("tracking", [UPGRADED, container("mlflow", "restarting", 1)], "running", "starts again after exit code 1"),
        ("tracking", [UPGRADED, container("mlflow", "exited")], "failed", "exit code 0"),
        (
            "tracking",
            [UPGRADED, container("mlflow", "running", health="healthy", ports=((5000, 5900),))],
            "finished",
            "http://127.0.0.1:5900",
        ),
    ],
)
def test_a_node_is_what_its_containers_do(node: str, containers: list[Container], state: str, detail: str) -> None:
    found = states.seen(NODES[node], containers)
    assert found.state == state
    assert detail in found.detail
    assert bool(found.failed) == (state == "failed")


def test_several_services_of_one_step_are_done_together() -> None:
    both = (STACK.services["features"], STACK.services["training"])
    one = [container("features", "exited")]
    assert states.seen(both, one) == Seen(state="running", detail="1/2")
    assert states.seen(both, [*one, container("training", "exited")]).state == "finished"
    failed = states.seen(both, [*one, container("training", "exited", 3)])
    assert failed == Seen(state="failed", detail="exit code 3", failed=("training",))


def test_what_could_start_is_what_nothing_before_holds_back() -> None:
    services = STACK.started_by("main")
    up = container("mlflow", "running", health="healthy")
    done = [up, UPGRADED, container("prepare", "exited"), container("start", "exited")]
    assert set(states.ready(STACK, services, done)) == {"features", "finish"}
    failed = [*done, container("features", "exited", 1), container("finish", "running")]
    assert list(states.ready(STACK, services, failed)) == []
    ill = [container("mlflow", "running", health="starting"), *done[1:]]
    assert list(states.ready(STACK, services, ill)) == []


def test_the_run_is_read_from_the_labels() -> None:
    labels = "com.docker.compose.project=p,mlwright.run=main-1,mlwright.node=pipelines.main"
    assert states.run_of([container("x", "exited"), container("start", "exited", labels=labels)]) == "main-1"
    assert states.run_of([container("x", "exited", labels="a.mlwright.run=no")]) == ""
