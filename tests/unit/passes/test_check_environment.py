"""Derived names, and what environments on this machine may do."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.diag.codes import Code
from mlwright.passes.check_local import check_local
from mlwright.passes.check_names import check_names
from mlwright.passes.checks import CHECKS
from tests.unit.passes.factory import (
    codes,
    container,
    data,
    environment,
    only,
    pipeline,
    project,
    ref,
    search,
    service,
    storage,
    task,
    tracking,
    training,
)


def named(length: int, platform: str = "prod.yaml", prefix: str = "", **fields: Any) -> ir.Project:
    """A program whose only step has a name of `length` characters; the project is `churn`."""
    made = task(f"steps.{'s' * length}", **fields)
    return project(made, environment=environment(platform, name_prefix=prefix))


@pytest.mark.parametrize(("platform", "longest"), [("prod.yaml", 63 - 11 - 6), ("compose", 63 - 2 - 6)])
def test_a_derived_name_has_at_most_63_characters(platform: str, longest: int) -> None:
    assert codes(check_names, named(longest, platform)) == []
    assert codes(check_names, named(longest + 1, platform)) == ["NAMED001"]


def test_the_prefix_counts_and_the_longest_part_is_to_be_shortened() -> None:
    finding = only(check_names, named(50, prefix="ann-"))
    assert finding.help == "shorten this name by 8"
    assert [label.path for label in finding.related] == [("metadata", "name"), ("environments", "dev", "name_prefix")]
    short = project(task("steps.a"), name="c" * 60, environment=environment("prod.yaml"))
    assert only(check_names, short).help == "shorten `metadata.name` by 10"


@pytest.mark.parametrize(
    ("node", "limit"),
    [
        (lambda size: {"services": (service("s" * size),)}, 63 - 10 - 6),
        (lambda size: {"pipelines": (pipeline("p" * size),)}, 52 - 6),
    ],
)
def test_each_kind_of_node_has_its_own_limit(node: Any, limit: int) -> None:
    cluster = environment("prod.yaml")
    assert codes(check_names, project(environment=cluster, **node(limit))) == []
    assert codes(check_names, project(environment=cluster, **node(limit + 1))) == ["NAMED001"]


def test_a_distributed_step_leaves_room_for_its_pods() -> None:
    spread = ir.Distributed(nodes_min=2, nodes_max=2)
    assert codes(check_names, named(63 - 15 - 6, distributed=spread)) == []
    assert codes(check_names, named(63 - 15 - 5, distributed=spread)) == ["NAMED001"]


def test_katib_has_the_shortest_names() -> None:
    long = project(search(), name="c" * 34, environment=environment("prod.yaml"))
    assert codes(check_names, long) == ["NAMED001"]
    assert codes(check_names, project(search(), name="c" * 34, environment=environment("local"))) == []


def test_a_variants_name_is_derived_too() -> None:
    pair = service("s" * 30, variants=(ir.Variant(name="v" * 20, source=ir.ModelSource()),))
    finding = only(check_names, project(services=(pair,), environment=environment("prod.yaml")))
    assert finding.at.path == ("serving", "s" * 30, "variants", "v" * 20)


# Writes to shared stores

BUCKET = storage("lake", "s3", "s3://acme/ml")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"checkpoints": ir.Checkpoints(storage="lake", path="x")}, ("checkpoints", "path")),
        ({"container": container("x", (ir.Ref("storage.lake"), "/out"))}, ("command", 1)),
        ({"container": container("x", env=(("OUT", ref("storage.lake")),))}, ("env", "OUT")),
        ({"container": container("x", env=(("MLWRIGHT_STORAGE_LAKE", ref("storage.lake")),))}, ("command",)),
        (
            {"container": container("x", mounts=(ir.Mount(target="/d", kind="storage", source="lake"),))},
            ("mounts", "/d"),
        ),
    ],
)
@pytest.mark.parametrize("platform", ["local", "compose"])
def test_a_local_environment_writes_to_no_bucket(platform: str, fields: Any, path: tuple[str | int, ...]) -> None:
    program = project(task(**fields), storage=(BUCKET,), environment=environment(platform))
    finding = only(check_local, program)
    unmountable = platform == "compose" and path[0] == "mounts"
    assert (finding.code, finding.at.path) == ("LOCAL004" if unmountable else "LOCAL001", ("steps", "a", *path))
    assert finding.related[0].path == ("storage", "lake", "uri")


def test_artifacts_and_request_logs_are_writes_too() -> None:
    stored = project(artifacts=storage("artifacts", "gs", "gs://acme"))
    assert only(check_local, stored).at.path == ("storage", "artifacts", "type")
    logged = project(services=(service(extra=(("log", {"to": "${storage.lake}/logs"}),)),), storage=(BUCKET,))
    assert only(check_local, logged).at.path == ("serving", "online", "log")


@pytest.mark.parametrize(
    "fields",
    [
        {"environment": environment("local", allow_remote_writes=True), "storage": (BUCKET,)},
        {"environment": environment("prod.yaml"), "storage": (BUCKET,)},
        {"storage": (storage("lake", "directory"),)},
        {"storage": (storage("lake", "volume"),)},
    ],
    ids=["allowed", "cluster", "directory", "volume"],
)
def test_other_environments_and_stores_may_be_written_to(fields: dict[str, Any]) -> None:
    made = task(container=container("x", ref("storage.lake")))
    assert codes(check_local, project(made, **fields)) == []


def test_an_unused_bucket_and_a_read_only_mount_are_fine() -> None:
    mount = ir.Mount(target="/d", kind="storage", source="lake", read_only=True)
    assert codes(check_local, project(storage=(BUCKET,))) == []
    assert codes(check_local, project(task(container=container("x", mounts=(mount,))), storage=(BUCKET,))) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:5000",
        "http://127.0.0.1:5000",
        "http://[::1]:5000",
        "http://mlflow:5000",
        "http://host.docker.internal:5000",
    ],
)
def test_a_tracking_server_on_this_machine_is_fine(url: str) -> None:
    assert codes(check_local, project(tracking=tracking(server="external", url=url))) == []


@pytest.mark.parametrize(
    "url", ["https://mlflow.example.com", "http://user@10.0.0.4:5000", "http://[2001:db8::1]:5000"]
)
def test_a_tracking_server_elsewhere_is_not(url: str) -> None:
    finding = only(check_local, project(tracking=tracking(server="external", url=url)))
    assert (finding.code, finding.at.path) == ("LOCAL002", ("tracking", "server"))


def test_databricks_and_buckets_of_the_server_are_elsewhere() -> None:
    assert codes(check_local, project(tracking=tracking(server="databricks", url="databricks"))) == ["LOCAL002"]
    bucket, own = ir.ArtifactStore(type="s3", uri="s3://b"), ir.ArtifactStore(type="s3")
    assert codes(check_local, project(tracking=tracking(artifacts=bucket))) == ["LOCAL002"]
    assert codes(check_local, project(tracking=tracking(artifacts=own))) == []


@pytest.mark.parametrize(
    ("platform", "gpus", "parallel", "found"),
    [("compose", 1, 2, ["LOCAL003"]), ("compose", 1, 1, []), ("compose", 0, 4, []), ("prod.yaml", 1, 4, [])],
)
def test_trials_in_compose_cannot_share_out_gpus(platform: str, gpus: int, parallel: int, found: list[str]) -> None:
    trial = training(container=container("python", resources=ir.Resources(gpu=ir.Gpu(count=gpus))))
    made = search(trial=trial, parallel=parallel)
    assert codes(check_local, project(made, environment=environment(platform))) == found


def test_the_gpu_is_shown_where_it_is_asked_for() -> None:
    gpu = training(container=container("python", resources=ir.Resources(gpu=ir.Gpu(count=1))))
    compose = environment("compose")
    own = only(check_local, project(search(trial=gpu, parallel=2), training(), environment=compose))
    assert own.related[0].path == ("tuning", "trial", "resources", "gpu")
    same = only(check_local, project(search(trial=gpu, parallel=2), gpu, environment=compose))
    assert same.related[0].path == ("training", "resources", "gpu")


@pytest.mark.parametrize(("platform", "found"), [("compose", ["LOCAL004"]), ("local", []), ("prod.yaml", [])])
def test_only_what_is_on_this_machine_can_be_mounted_in_compose(platform: str, found: list[str]) -> None:
    mount = ir.Mount(target="/d", kind="data", source="lake")
    made = task(container=container("x", mounts=(mount,)))
    remote = project(made, data=(data("lake", "s3://acme/x"),), environment=environment(platform))
    assert codes(check_local, remote) == found
    local = project(made, data=(data("lake", "x.csv", local=True),), environment=environment(platform))
    assert codes(check_local, local) == []


def test_a_store_behind_the_tracking_server_has_no_address_and_cannot_be_mounted() -> None:
    hidden = storage("artifacts", "mlflow")
    made = task(container=container("x", (ir.Ref("storage.artifacts"),)))
    program = project(made, storage=(hidden,), artifacts=hidden, environment=environment("local"))
    assert codes(check_local, program) == ["LOCAL005"]
    mounted = task(container=container("x", mounts=(ir.Mount(target="/d", kind="storage", source="artifacts"),)))
    compose = project(mounted, storage=(hidden,), artifacts=hidden, environment=environment("compose"))
    assert codes(check_local, compose) == ["LOCAL004"]


def test_an_empty_program_has_no_findings() -> None:
    assert [finding for check in CHECKS for finding in check(project())] == []


def test_codes_of_the_checks_are_explained() -> None:
    from mlwright.diag.codes import gate, local, named, registry, secret, serve, step, tune, variable

    modules = (gate, local, named, registry, secret, serve, step, tune, variable)
    explained: list[Code] = [code for module in modules for code in module.CODES]
    assert len({code.code for code in explained}) == len(explained)
    assert all(code.explanation.endswith((".", "STEP_OUTPUT.")) and code.bad and code.good for code in explained)
