"""What Compose services look like, and in which order they start."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from mlwright import ir
from mlwright.emit import files
from mlwright.platform import BUILTIN
from mlwright.platform.model import Platform
from mlwright.spec.acceptance import accept
from mlwright.target import Document, Target
from mlwright.testing import programs
from mlwright.testing.programs import container, origin, task
from mlwright_compose import ComposeTarget

SUCCEEDED = {"condition": "service_completed_successfully"}


def emitted(project: ir.Project, **changes: Any) -> dict[str, str]:
    made = files.render([("compose", ComposeTarget().emit(project, programs.context(**changes)))])
    return {path.removeprefix("compose/"): data.decode() for path, data in made.files.items()}


def services(project: ir.Project, **changes: Any) -> Any:
    return yaml.safe_load(emitted(project, **changes)["compose.yaml"])["services"]


def step(name: str, project: ir.Project) -> Any:
    return json.loads(emitted(project)[f"steps/{name}.json"])


def test_it_is_a_target() -> None:
    assert isinstance(ComposeTarget(), Target)


def test_every_program_is_started_by_words_that_need_no_quoting() -> None:
    for name, body in services(programs.churn()).items():
        if name not in ("mlflow", "mlflow-upgrade", "prepare", "explore") and not name.endswith("-smoke"):
            words = " ".join([*body["entrypoint"], *body["command"]])
            assert words.startswith("python3 ") and set(words) <= set("abcdefghijklmnopqrstuvwxyz3 /.-S"), name


def test_steps_wait_for_the_start_of_the_run_and_for_what_they_need() -> None:
    made = services(programs.churn())
    assert made["features"]["depends_on"] == {"mlflow": {"condition": "service_healthy"}, "start": SUCCEEDED}
    assert set(made["training"]["depends_on"]) == {"mlflow", "start", "features", "search"}
    assert set(made["registry"]["depends_on"]) == {"mlflow", "start", "training", "evaluation-gates"}


def test_a_step_that_runs_on_failure_waits_by_tags() -> None:
    project = programs.churn()
    assert set(services(project)["notify"]["depends_on"]) == {"mlflow", "start"}
    assert step("notify", project)["wait"] is True
    assert step("features", project)["wait"] is False


def test_finish_knows_all_nodes_and_their_edges() -> None:
    nodes = {node["step"]: node for node in step("finish", programs.churn())["nodes"]}
    assert nodes["steps.stores"] == {"step": "steps.stores", "items": 3, "needs": ["steps.features"]}
    assert nodes["steps.notify"]["needs"] == []
    assert set(nodes) == {node.id for node in programs.churn().nodes}


def test_a_loop_over_a_fixed_list_is_one_service_for_each_item_and_no_more_at_once_than_asked_for() -> None:
    project = programs.churn()
    made = services(project)
    assert [step(f"stores-{n}", project)["each"] for n in (1, 2, 3)] == [
        {"store": "berlin"},
        {"store": "paris"},
        {"store": "rome"},
    ]
    assert "stores-1" not in made["stores-2"]["depends_on"]
    assert "stores-1" in made["stores-3"]["depends_on"]


def test_a_loop_over_a_list_that_is_known_at_run_time_is_one_service() -> None:
    project = programs.churn()
    assert "later" in services(project)
    assert step("later", project)["for_each"]["keys"] == {"store": {"ref": "params.stores"}}


def test_a_consumer_of_a_loop_waits_for_all_items() -> None:
    loop = task("steps.a", for_each=ir.ForEach(keys=(("x", (1, 2)), ("y", ("p", "q")))))
    project = programs.project(loop, task("steps.b", needs=(ir.Need(node="steps.a"),)))
    assert {f"a-{n}" for n in (1, 2, 3, 4)} <= set(services(project)["b"]["depends_on"])
    assert step("a-3", project)["each"] == {"x": 2, "y": "p"}
    assert step("b", project)["needs"] == [{"step": "steps.a", "optional": False, "items": 4}]


def test_tuning_is_a_search_service_and_parallel_workers_in_the_users_image() -> None:
    made = services(programs.churn())
    assert made["search"]["build"] == {"context": "./tools"}
    assert made["trial"]["image"] == made["training"]["image"]
    assert made["trial"]["deploy"]["replicas"] == 3
    assert made["trial"]["environment"]["MLWRIGHT_SEARCH_URL"] == "http://search:8090"
    assert made["trial"]["depends_on"]["search"] == {"condition": "service_started"}
    assert "MLWRIGHT_PARAM_LEARNING_RATE" not in made["trial"]["environment"]


def test_the_tools_image_of_the_platform_takes_the_place_of_the_dockerfile() -> None:
    head = {"apiVersion": "mlwright.dev/v1", "kind": "Platform", "orchestrator": "kubernetes", "kubernetes": "1.36"}
    written = accept(Platform, {**head, "images": {"tools": "ghcr.io/acme/tools:1"}})
    platform = replace(BUILTIN["compose"], written=written)
    made = emitted(programs.churn(), platform=platform)
    compose = yaml.safe_load(made["compose.yaml"])["services"]
    assert compose["search"]["image"] == compose["registry"]["image"] == "ghcr.io/acme/tools:1"
    assert "tools/Dockerfile" not in made


def test_the_gaussian_process_brings_what_optuna_needs_for_it() -> None:
    project = programs.churn()
    nodes = tuple(
        replace(node, algorithm="bayesianoptimization") if isinstance(node, ir.Search) else node
        for node in project.nodes
    )
    plain, gaussian = emitted(project), emitted(replace(project, nodes=nodes))
    assert "torch" not in plain["tools/Dockerfile"]
    assert "pip install --no-cache-dir torch==" in gaussian["tools/Dockerfile"]
    assert gaussian["tools/Dockerfile"].rstrip().endswith("USER 65532:65532")


def test_several_models_have_search_services_of_their_own() -> None:
    made = next(node for node in programs.churn().nodes if isinstance(node, ir.Search))
    search = replace(made, trial=replace(made.trial, inputs=(), needs=()))
    one, two = (
        replace(search, id=f"models.{name}.tuning", name=f"{name}-tuning", needs=()) for name in ("ranker", "retriever")
    )
    made = services(
        replace(programs.churn(), nodes=(one, two), pipelines=(_pipeline("main", one.id, two.id),), services=())
    )
    assert {"ranker-tuning-search", "ranker-tuning-trial", "retriever-tuning-search"} <= set(made)


def test_distributed_training_runs_on_one_node() -> None:
    assert step("training", programs.churn())["distributed"]["nodes"] == 1


@pytest.mark.parametrize("gpus", [0, 2])
def test_processes_are_held_to_the_gpus_that_are_there_only_where_gpus_are_asked_for(gpus: int) -> None:
    made = programs.churn()
    box = ir.Resources(gpu=ir.Gpu(count=gpus))
    nodes = tuple(
        replace(node, container=replace(node.container, resources=box)) if node.id == "training" else node
        for node in made.nodes
    )
    assert step("training", replace(made, nodes=nodes))["distributed"]["fit_gpus"] is bool(gpus)


def test_endpoints_serve_what_this_run_registers_on_ports_of_this_machine_only() -> None:
    made = services(programs.churn())
    assert made["online"]["depends_on"]["registry"] == SUCCEEDED
    assert made["online"]["ports"] == [
        {"target": 8080, "published": "${MLWRIGHT_PORT_ONLINE:-8080}", "host_ip": "127.0.0.1"}
    ]
    assert made["online-challenger"]["ports"][0]["published"] == "${MLWRIGHT_PORT_ONLINE_CHALLENGER:-8081}"
    assert made["online"]["read_only"] is True
    assert step("online", programs.churn())["command"]["argv"][0] == ["mlflow"]


def test_an_endpoint_with_a_locked_model_needs_no_pipeline() -> None:
    project = programs.churn()
    locked = tuple(replace(service, binding="locked", variants=()) for service in project.services)
    made = services(replace(project, services=locked))
    assert set(made["online"]["depends_on"]) == {"prepare", "mlflow"}


def test_an_endpoint_follows_the_pipeline_that_registers_its_model() -> None:
    project = programs.churn()
    only = replace(
        project, pipelines=(_pipeline("daily", "steps.features"), _pipeline("retrain", *(n.id for n in project.nodes)))
    )
    made = services(only)
    assert made["online"]["profiles"] == ["pipeline-retrain"]
    assert "retrain-registry" in made["online"]["depends_on"]
    assert made["online"]["environment"]["MLWRIGHT_RUN"] == "${MLWRIGHT_RUN:-default-retrain}"


def test_smoke_tests_and_notebooks_wait_under_profiles() -> None:
    made = services(programs.churn())
    assert made["online-smoke"]["profiles"] == ["smoke"]
    assert made["online-smoke"]["depends_on"] == {"online": {"condition": "service_healthy"}}
    assert made["online-challenger-smoke"]["depends_on"] == {"online-challenger": {"condition": "service_healthy"}}
    assert made["explore"]["profiles"] == ["notebooks"]
    unprofiled = {name for name, body in made.items() if "profiles" not in body}
    assert unprofiled >= {"mlflow", "start", "training", "finish", "online"}


def test_a_smoke_test_is_what_the_project_asks_for() -> None:
    project = programs.churn()
    given = {"smoke_request": "r.csv", "smoke_path": "/score", "smoke_status": 422, "smoke_timeout": 2.5}
    made = services(replace(project, services=(replace(project.services[0], **given),)))
    words = ["/mlwright/request", "text/csv", "422", "2.5"]
    assert made["online-smoke"]["command"] == ["http://online:8080/score", *words]
    assert made["online-challenger-smoke"]["command"] == ["http://online-challenger:8080/score", *words]


def test_other_pipelines_have_services_of_their_own_with_their_parameters() -> None:
    project = programs.churn()
    retrain = replace(_pipeline("retrain", "steps.features", "tuning", "training"), params=(("epochs", 3),))
    made = services(replace(project, pipelines=(*project.pipelines, retrain)))
    assert made["retrain-training"]["environment"]["MLWRIGHT_PARAM_EPOCHS"] == "3"
    assert made["training"]["environment"]["MLWRIGHT_PARAM_EPOCHS"] is None
    assert made["retrain-training"]["profiles"] == ["pipeline-retrain"]
    assert set(made["retrain-training"]["depends_on"]) == {
        "mlflow",
        "retrain-start",
        "retrain-features",
        "retrain-search",
    }


def test_a_pipeline_that_is_the_only_one_is_the_default() -> None:
    made = services(programs.project(task("steps.a"), pipelines=(_pipeline("nightly", "steps.a"),)))
    assert "profiles" not in made["a"] and "start" in made


@pytest.mark.parametrize("name", ["start", "finish", "mlflow", "prepare"])
def test_a_step_may_be_called_like_one_of_our_services(name: str) -> None:
    made = services(programs.project(task(f"steps.{name}"), task("steps.z", needs=(ir.Need(node=f"steps.{name}"),))))
    mine = next(key for key, body in made.items() if body["labels"]["mlwright.node"] == f"steps.{name}")
    assert mine in made["z"]["depends_on"]
    assert made["mlflow"]["labels"]["mlwright.node"] == "tracking"
    documents = [item["source"] for body in made.values() for item in body.get("configs", ())]
    assert len(set(documents)) == len(documents)


def test_the_tracking_server_is_small_healthy_and_closed_to_others() -> None:
    server = services(programs.churn())["mlflow"]
    assert server["image"] == "ghcr.io/mlflow/mlflow:v3.17.2-full"
    assert server["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert server["environment"]["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert server["environment"]["MLFLOW_WORKERS"] == "1"
    assert server["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"] == "mlflow:5000,localhost:*,127.0.0.1:*"
    assert "start_interval" not in server["healthcheck"]
    assert server["ports"][0]["host_ip"] == "127.0.0.1"


def test_options_of_the_server_reach_it() -> None:
    options = ir.ServerOptions(allowed_hosts=("ml.example.com",), static_prefix="/mlflow", workspaces=True)
    needs = ir.Resources(cpu=500, memory=1024**3)
    made = services(replace(programs.churn(), tracking=programs.tracking(options=options, resources=needs)))
    assert made["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].endswith(",ml.example.com")
    assert made["mlflow"]["environment"]["MLFLOW_ENABLE_WORKSPACES"] == "true"
    assert "/mlflow/health" in made["mlflow"]["healthcheck"]["test"][-1]
    assert made["training"]["environment"]["MLFLOW_TRACKING_URI"] == "http://mlflow:5000/mlflow"
    assert made["mlflow"]["deploy"]["resources"]["limits"] == {"memory": "1g"}


def test_an_external_server_is_used_and_not_started() -> None:
    made = services(
        replace(programs.churn(), tracking=programs.tracking(server="external", url="https://ml.example.com"))
    )
    assert "mlflow" not in made
    assert made["features"]["environment"]["MLFLOW_TRACKING_URI"] == "https://ml.example.com"
    assert set(made["features"]["depends_on"]) == {"start"}
    assert made["registry"]["image"].startswith("python:3")


def test_passwords_come_from_the_environment_file() -> None:
    project = replace(
        programs.churn(),
        tracking=programs.tracking(auth=ir.Auth(type="basic", secret="mlflow-user")),
        secrets=(ir.Secret(name="mlflow-user", keys=("username", "password")), *programs.churn().secrets),
    )
    made = emitted(project)
    body = yaml.safe_load(made["compose.yaml"])["services"]
    wanted = "${MLFLOW_USER__PASSWORD:?set MLFLOW_USER__PASSWORD in .env}"
    assert body["mlflow"]["environment"]["MLFLOW_AUTH_ADMIN_PASSWORD"] == wanted
    assert body["training"]["environment"]["MLFLOW_TRACKING_PASSWORD"] == wanted
    assert "MLFLOW_USER__PASSWORD=\n" in made[".env.example"]


def test_secrets_reach_only_those_that_need_them() -> None:
    made = services(programs.churn())
    holders = {name for name, body in made.items() if any("LAKE" in key for key in body.get("environment", {}))}
    assert holders == {"evaluation"}


def test_a_secret_of_a_data_source_reaches_the_step_that_downloads_it() -> None:
    data = (ir.DataSource(name="customers", source="s3://lake/x", secret="lake", origin=origin("data", "customers")),)
    made = services(replace(programs.churn(), data=data))
    assert "MLWRIGHT_SECRET_LAKE__AWS_ACCESS_KEY_ID" in made["features"]["environment"]
    assert all(volume["target"] == "/mlwright/runtime" for volume in made["features"]["volumes"])


def test_no_secrets_no_environment_file() -> None:
    assert ".env.example" not in emitted(programs.project(task("steps.a")))


def test_mounts_become_volumes_of_the_right_kind() -> None:
    made = services(programs.churn())["evaluation"]
    volumes = {volume["target"]: volume for volume in made["volumes"]}
    assert made["shm_size"] == "16g"
    assert volumes["/fast"]["tmpfs"]["size"] == 1024**2
    assert volumes["/scratch"] == {"type": "volume", "source": "evaluation-scratch", "target": "/scratch"}
    assert volumes["/data"]["source"] == "storage-datasets"
    assert volumes["/etc/conf.yaml"]["source"] == "../../../conf/eval.yaml"
    assert volumes["/etc/conf.yaml"]["read_only"] is True


def test_volumes_are_given_to_the_user_before_anything_starts_except_those_that_exist_already() -> None:
    made = services(programs.churn())
    script = made["prepare"]["command"][0]
    assert "chown 65532:65532 /volumes/mlflow" in script and "datasets" not in script
    assert made["mlflow"]["depends_on"] == {"prepare": SUCCEEDED, "mlflow-upgrade": SUCCEEDED}
    assert made["prepare"]["cap_add"] == ["CHOWN"] and made["prepare"]["network_mode"] == "none"


def test_user_containers_have_no_rights_and_a_home() -> None:
    made = services(programs.churn())["features"]
    assert (made["user"], made["cap_drop"], made["security_opt"]) == (
        "65532:65532",
        ["ALL"],
        ["no-new-privileges:true"],
    )
    assert "read_only" not in made
    assert made["environment"]["HOME"] == "/mlwright/home"
    assert made["tmpfs"] == ["/mlwright/home:uid=65532,gid=65532,mode=700"]


def test_a_reason_for_root_and_a_read_only_root_are_followed() -> None:
    root = task("steps.a", container=container("x", security=ir.Security(run_as_root="drivers", read_only_root=True)))
    made = services(programs.project(root))["a"]
    assert made["user"] == "0:0" and "cap_drop" not in made and made["read_only"] is True
    assert "/tmp:mode=1777" in made["tmpfs"]


def test_resources_are_limits_where_they_are_meant_so() -> None:
    wanted = ir.Resources(cpu=500, memory=1024**3, cpu_limit=2000, memory_limit=3 * 1024**2, gpu=ir.Gpu(count=2))
    made = services(programs.project(task("steps.a", container=container("x", resources=wanted))))["a"]
    assert made["deploy"]["resources"] == {
        "limits": {"cpus": "2", "memory": "3m"},
        "reservations": {
            "cpus": "0.5",
            "memory": "1g",
            "devices": [{"driver": "nvidia", "count": 2, "capabilities": ["gpu"]}],
        },
    }


@pytest.mark.parametrize(
    ("image", "fields"),
    [
        (ir.Image(ref="a:1"), {"image": "a:1"}),
        (ir.Image(ref="a:1", digest="sha256:ff"), {"image": "a:1@sha256:ff"}),
        (ir.Image(ref="a@sha256:ff", digest="sha256:ff"), {"image": "a@sha256:ff"}),
        (ir.Image(ref="a:1", pull_policy="if_not_present"), {"image": "a:1", "pull_policy": "missing"}),
        (
            ir.Image(ref="a:1", digest="sha256:ff", build_context="app", build_args=(("A", "$x"),), build_target="t"),
            {
                "image": "a:1",
                "build": {"context": "../../../app", "args": {"A": "$$x"}, "target": "t"},
                "pull_policy": "build",
            },
        ),
    ],
)
def test_an_image_is_pinned_or_built(image: ir.Image, fields: dict[str, Any]) -> None:
    made = services(programs.project(task("steps.a", container=container("x", image=image))))["a"]
    assert {key: made[key] for key in ("image", "build", "pull_policy") if key in made} == fields


def test_a_bare_step_is_its_own_program() -> None:
    bare = task(
        "steps.a",
        contract="bare",
        container=container("run", "$x", ir.Ref("params.n"), env=(("T", (ir.Ref("secrets.lake.KEY"),)),)),
    )
    project = programs.project(
        bare,
        params=(ir.Param(name="n", type="float", default=0.5, origin=origin("params", "n")),),
        secrets=(ir.Secret(name="lake", keys=("KEY",)),),
    )
    made = services(project)["a"]
    assert (made["entrypoint"], made["command"]) == (["run"], ["$$x", "0.5"])
    assert made["environment"]["T"] == "${LAKE__KEY:?set LAKE__KEY in .env}"
    assert "configs" not in made
    assert step("finish", project)["nodes"] == []


def test_text_of_the_user_is_in_the_step_document_and_not_in_the_compose_file() -> None:
    project = programs.project(task("steps.a", *programs.NAUGHTY))
    assert step("a", project)["command"]["argv"] == [[text] if text else [] for text in programs.NAUGHTY]
    assert "漢字" not in emitted(project)["compose.yaml"]


def test_a_node_that_another_target_owns_is_left_out() -> None:
    owners = {"serving.online": "kubernetes", "notebooks.explore": "kubernetes"}
    made = services(programs.churn(), owners=owners)
    assert "online" not in made and "explore" not in made and "training" in made


def test_every_address_leads_to_what_it_names() -> None:
    document = next(iter(ComposeTarget().emit(programs.churn(), programs.context())))
    assert isinstance(document, Document)
    for part in document.parts:
        value: Any = document.data
        for key in part.at:
            value = value[key]
        if part.kind != "Compose":
            assert value["labels"]["mlwright.node"] == part.node


def test_outputs_kept_in_a_folder_are_mounted_into_every_step() -> None:
    folder = ir.Storage(name="artifacts", type="volume", origin=origin("storage", "artifacts"))
    project = replace(programs.churn(), artifacts=folder)
    assert step("features", project)["artifacts"] == {"type": "directory", "path": "/mlwright/storage/artifacts"}
    targets = {volume["target"] for volume in services(project)["features"]["volumes"]}
    assert "/mlwright/storage/artifacts" in targets


def _pipeline(name: str, *nodes: str) -> ir.Pipeline:
    return ir.Pipeline(name=name, nodes=nodes, origin=origin("pipelines", name))


@pytest.mark.parametrize(
    ("source", "image"),
    [
        (ir.ModelSource(kind="registry", model="churn", alias="champion"), "ghcr.io/acme/churn:1.4.2"),
        (ir.ModelSource(kind="output", step="training", output="model"), "ghcr.io/acme/churn:1.4.2"),
        (ir.ModelSource(kind="uri", uri="s3://acme/model"), "ghcr.io/mlflow/mlflow:v3.17.2-full"),
    ],
)
def test_an_endpoint_without_an_image_runs_in_that_of_the_step_that_makes_the_model(
    source: ir.ModelSource, image: str
) -> None:
    endpoint = ir.Service(
        id="serving.x", name="x", container=ir.Container(), source=source, binding="run", origin=origin("s")
    )
    assert services(replace(programs.churn(), services=(endpoint,)))["x"]["image"] == image


def test_a_model_in_local_storage_is_served_from_its_place() -> None:
    source = ir.ModelSource(kind="uri", uri="${storage.warehouse}/models/a")
    endpoint = ir.Service(id="serving.x", name="x", container=container(), source=source, origin=origin("serving", "x"))
    project = replace(programs.churn(), services=(endpoint,))
    model = step("x", project)["model"]
    assert (model["kind"], model["uri"]) == ("path", "/mlwright/storage/warehouse/models/a")
    assert "/mlwright/storage/warehouse" in {volume["target"] for volume in services(project)["x"]["volumes"]}


def endpoint(*argv: str | ir.Ref, model: ir.ModelSource, **changes: Any) -> ir.Project:
    """The program with one endpoint, which has a command of its own."""
    made = ir.Service(
        id="serving.x", name="x", container=container(*argv, **changes), source=model, origin=origin("serving", "x")
    )
    return replace(programs.churn(), services=(made,))


LOCKED = ir.ModelSource(kind="registry", model="churn", alias="champion", version="3")


def test_a_secret_in_an_endpoints_command_is_put_there_by_the_launcher() -> None:
    program = endpoint("serve", "--key", ir.Ref("secrets.lake.AWS_ACCESS_KEY_ID"), model=LOCKED)
    assert step("x", program)["command"]["argv"][2] == [{"ref": "secrets.lake.AWS_ACCESS_KEY_ID"}]
    assert step("x", program)["secret_keys"]["lake"] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    given = services(program)["x"]["environment"]["MLWRIGHT_SECRET_LAKE__AWS_ACCESS_KEY_ID"]
    assert given.startswith("${LAKE__AWS_ACCESS_KEY_ID:?")


def test_parameters_data_and_storage_of_an_endpoint_are_those_of_a_step() -> None:
    refs = (
        ir.Ref("params.epochs"),
        ir.Ref("data.customers"),
        ir.Ref("storage.warehouse"),
        ir.Ref("registry.churn@champion"),
    )
    program = endpoint("serve", *refs, model=LOCKED, env=(("RATE", (ir.Ref("params.learning_rate"),)),))
    document, service = step("x", program), services(program)["x"]
    assert document["command"]["argv"][1:] == [
        [{"ref": "params.epochs"}],
        [{"ref": "data.customers"}],
        ["/mlwright/storage/warehouse"],
        ["/mlwright/model/files"],
    ]
    assert set(document["params"]) == {"epochs", "learning_rate"} and set(document["data"]) == {"customers"}
    assert document["env"] == {"RATE": [{"ref": "params.learning_rate"}]}
    assert service["environment"]["MLWRIGHT_PARAM_EPOCHS"] is None and "RATE" not in service["environment"]
    assert "/mlwright/storage/warehouse" in {volume["target"] for volume in service["volumes"]}


def test_a_script_that_serves_gets_its_references_as_variables() -> None:
    key = (ir.Ref("secrets.lake.AWS_ACCESS_KEY_ID"),)
    program = endpoint(model=LOCKED, script='serve "$MLWRIGHT_KEY"', env=(("MLWRIGHT_KEY", key),))
    document = step("x", program)
    assert document["command"] == {"script": 'serve "$MLWRIGHT_KEY"'}
    assert document["env"]["MLWRIGHT_KEY"] == [{"ref": "secrets.lake.AWS_ACCESS_KEY_ID"}]


def test_a_model_at_an_address_keeps_the_address_and_gets_the_secret_that_opens_it() -> None:
    store = ir.Storage(name="lake", type="s3", uri="s3://acme/models", secret="lake", origin=origin("storage", "lake"))
    model = ir.ModelSource(kind="uri", uri="${storage.lake}/a")
    program = endpoint("serve", model=model)
    program = replace(program, storage=(*program.storage, store))
    document = step("x", program)
    assert (document["model"]["kind"], document["model"]["uri"]) == ("uri", "s3://acme/models/a")
    assert document["model"]["secret"] == "lake" and "lake" in document["secret_keys"] and document["secrets"] == []
    assert "MLWRIGHT_SECRET_LAKE__AWS_ACCESS_KEY_ID" in services(program)["x"]["environment"]


def test_local_data_may_be_the_model() -> None:
    data = ir.DataSource(name="seed", source="models/seed", local=True, origin=origin("data", "seed"))
    program = endpoint("serve", model=ir.ModelSource(kind="uri", uri="${data.seed}"))
    program = replace(program, data=(*program.data, data))
    assert step("x", program)["model"]["uri"] == "/mlwright/data/seed/seed"
    assert "/mlwright/data/seed/seed" in {volume["target"] for volume in services(program)["x"]["volumes"]}


def test_without_the_launcher_a_parameter_without_a_default_comes_from_outside() -> None:
    param = ir.Param(name="size", type="string", required=True, origin=origin("params", "size"))
    program = endpoint("serve", ir.Ref("params.size"), model=ir.ModelSource())
    program = replace(program, params=(*program.params, param))
    assert services(program)["x"]["command"] == ["${MLWRIGHT_PARAM_SIZE:?set MLWRIGHT_PARAM_SIZE}"]


def test_the_keys_of_data_that_is_read_at_its_address_reach_the_program() -> None:
    data = ir.DataSource(name="lake", source="s3://a/b", access="uri", secret="lake", origin=origin("data", "lake"))
    program = programs.project(
        task("steps.a", ir.Ref("data.lake"), data=("lake",)), data=(data,), secrets=programs.churn().secrets
    )
    assert step("a", program)["secrets"] == ["lake"] and step("a", program)["secret_keys"]["lake"]


def test_finish_waits_last_for_what_comes_after_the_rest_of_the_run() -> None:
    notify = task("steps.notify", run_if="always")
    after = task("steps.after", needs=(ir.Need(node="steps.notify"),))
    nodes = {node["step"]: node for node in step("finish", programs.project(task("steps.a"), notify, after))["nodes"]}
    assert [name for name, node in nodes.items() if node.get("closing")] == ["steps.notify", "steps.after"]
