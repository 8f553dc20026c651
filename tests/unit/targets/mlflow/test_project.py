"""The MLproject: which entry points there are, what they run, and which parameters reach it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import yaml

from mlwright import ir
from mlwright.emit import files
from mlwright.emit.patch import apply_all
from mlwright.target import Target
from mlwright.testing import programs
from mlwright.testing.programs import origin, task
from mlwright_mlflow import MlflowTarget

OWNED = {"tracking.project": "mlflow"}


def emitted(project: ir.Project, asked: ir.MlProject | None = None, **tracking: Any) -> dict[str, str]:
    asked = asked or ir.MlProject(type="system")
    project = replace(project, tracking=replace(project.tracking, project=asked, **tracking))
    context = programs.context(owners=OWNED | {"tracking": "compose"})
    made = files.render([("mlflow", MlflowTarget().emit(project, context))])
    return {path.removeprefix("mlflow/"): data.decode() for path, data in made.files.items()}


def mlproject(project: ir.Project, asked: ir.MlProject | None = None, **tracking: Any) -> Any:
    return yaml.safe_load(emitted(project, asked, **tracking)["MLproject"])


def plan(project: ir.Project) -> Any:
    return json.loads(emitted(project)["project.json"])


def test_it_is_a_target() -> None:
    assert isinstance(MlflowTarget(), Target)


def test_nothing_is_emitted_that_nobody_asked_for() -> None:
    made = files.render([("mlflow", MlflowTarget().emit(programs.churn(), programs.context()))])
    assert made.files == {}


def test_main_runs_everything_in_order_and_what_waits_for_the_rest_at_the_end() -> None:
    project = programs.churn()
    first = replace(project, nodes=(project.nodes[-1], *project.nodes[:-1]))  # notify waits for the end
    assert plan(first)["entries"]["main"] == [
        *("features", "stores", "later", "tuning", "training"),
        *("evaluation", "evaluation-gates", "registry", "notify"),
    ]
    assert plan(first)["jobs"]["notify"]["closing"] is True


def test_the_entry_point_of_a_step_runs_what_it_needs_first() -> None:
    entries = plan(programs.churn())["entries"]
    assert entries["stores"] == ["features", "stores"]
    assert entries["evaluation"] == ["features", "tuning", "training", "evaluation"]


def test_training_by_itself_takes_the_parameters_that_tuning_would_choose() -> None:
    project = programs.churn()
    made, entries = mlproject(project)["entry_points"], plan(project)["entries"]
    assert entries["training"] == ["features", "training-alone"]
    assert set(made["training"]["parameters"]) == {"learning_rate", "epochs", "pipeline-run"}
    assert set(made["main"]["parameters"]) == {"epochs", "stores", "pipeline-run"}
    steps = emitted(project)
    assert json.loads(steps["steps/training.json"])["params"]["learning_rate"]["from"] == "tuning"
    assert "from" not in json.loads(steps["steps/training-alone.json"])["params"]["learning_rate"]


def test_what_a_trial_fixes_or_the_search_chooses_is_no_parameter_of_the_search() -> None:
    project = programs.churn()
    nodes = tuple(
        replace(node, trial=replace(node.trial, values=(("epochs", 3),))) if isinstance(node, ir.Search) else node
        for node in project.nodes
    )
    assert plan(project)["jobs"]["tuning"]["params"] == ["epochs"]
    assert plan(replace(project, nodes=nodes))["jobs"]["tuning"]["params"] == []


def test_other_pipelines_have_entry_points_with_their_own_values() -> None:
    project = programs.churn()
    other = replace(project.pipelines[0], name="nightly", nodes=("steps.features", "steps.later"), params=())
    fixed = replace(other, name="hourly", params=(("stores", ["x"]),))
    made = mlproject(replace(project, pipelines=(*project.pipelines, other, fixed)))["entry_points"]
    assert made["pipeline-nightly"]["parameters"]["stores"]["default"] == '["a"]'
    assert made["pipeline-hourly"]["parameters"]["stores"]["default"] == '["x"]'
    assert " pipeline-hourly stores={stores} " in made["pipeline-hourly"]["command"]


def test_names_that_meet_are_numbered() -> None:
    project = programs.project(task("steps.main", "echo"), task("steps.b", "echo"))
    entries = plan(project)["entries"]
    assert entries == {"main": ["main", "b"], "main-2": ["main"], "b": ["b"]}


def test_a_step_without_a_command_is_left_out() -> None:
    bare = task("steps.bare")
    bare = replace(bare, container=replace(bare.container, argv=()))
    after = task("steps.after", "echo", needs=(ir.Need(node="steps.bare"),))
    made = plan(programs.project(bare, after))
    assert made["entries"] == {"main": ["after"], "after": ["after"]}
    assert made["jobs"]["after"]["needs"] == []


def test_user_text_is_in_step_documents_alone() -> None:
    text = "$HOME {x} `id`"
    made = emitted(programs.project(task("steps.a", "echo", text)))
    assert text not in made["MLproject"]
    assert json.loads(made["steps/a.json"])["command"]["argv"] == [["echo"], [text]]


def test_storage_and_data_are_paths_in_the_projects_folder() -> None:
    made = emitted(programs.churn())
    assert json.loads(made["steps/features.json"])["data"]["customers"]["source"] == "sample/customers.parquet"
    assert json.loads(made["steps/training.json"])["checkpoints"]["path"] == ".mlwright/warehouse/ckpt"
    assert json.loads(made["project.json"])["folder"] == "../../.."


def test_only_the_programs_that_are_needed_are_shipped() -> None:
    made = emitted(programs.project(task("steps.a", "echo")))
    assert {path for path in made if path.startswith("runtime/")} == {
        *("runtime/project.py", "runtime/root.py", "runtime/step.py"),
    }
    assert "runtime/search.py" in emitted(programs.churn())


def test_a_virtual_environment_has_the_requirements_and_what_the_search_needs() -> None:
    asked = ir.MlProject(type="python", requirements="numpy==2\n")
    made = emitted(programs.churn(), asked)
    assert made["requirements.txt"] == "numpy==2\n"
    assert yaml.safe_load(made["python_env.yaml"])["dependencies"][:2] == ["-r requirements.txt", "optuna>=5,<6"]
    one = emitted(programs.project(task("steps.a", "echo")), asked)
    assert yaml.safe_load(one["python_env.yaml"]) == {"dependencies": ["-r requirements.txt"]}


def test_a_container_gets_the_projects_folder_and_no_secret_by_a_command_line() -> None:
    auth = ir.Auth(type="basic", secret="mlflow-user")
    made = mlproject(programs.churn(), ir.MlProject(type="docker", image="churn:1"), auth=auth)
    assert made["docker_env"] == {
        "image": "churn:1",
        "volumes": [".:/mlwright/mlflow:ro", "../../..:/mlwright/project"],
    }
    assert made["entry_points"]["main"]["command"].startswith("python3 -S /mlwright/mlflow/runtime/project.py main ")


def test_clients_are_told_where_the_server_is_but_no_secret() -> None:
    project = programs.project(task("steps.a", "echo"))
    here = emitted(
        project, options=ir.ServerOptions(static_prefix="/mlflow"), auth=ir.Auth(type="basic", secret="mlflow-user")
    )["client.env"]
    assert "MLFLOW_TRACKING_URI=http://127.0.0.1:5000/mlflow\n" in here
    assert "# MLFLOW_TRACKING_PASSWORD=\n" in here
    there = emitted(project, server="external", url="https://mlflow.example.com", experiment="a 'b' $c")["client.env"]
    assert "MLFLOW_TRACKING_URI=https://mlflow.example.com\nMLFLOW_EXPERIMENT_NAME=\"a 'b' \\$c\"\n" in there


def test_a_patch_may_change_the_environment_but_no_command() -> None:
    project = replace(
        programs.churn(), tracking=programs.tracking(project=ir.MlProject(type="docker", image="churn:1"))
    )
    documents = list(MlflowTarget().emit(project, programs.context(owners=OWNED)))

    def patched(merge: ir.Json) -> list[str]:
        on = {"node": "tracking.project", "kind": "MLproject"}
        patch = ir.Patch(name="p", why="because", merge=merge, origin=origin("patches", "p"), **on)
        result = apply_all([("mlflow", documents)], [patch], lambda _: MlflowTarget(), versions={}, is_secret=_never)
        return [item.code for item in result.findings]

    assert patched({"docker_env": {"volumes": [".:/x"]}}) == []
    assert patched({"docker_env": {"image": "other:1"}}) == ["PATCH008"]
    assert patched({"entry_points": {"main": {"command": "echo"}}}) == ["PATCH004"]


def _never(_name: str, _text: str) -> bool:
    return False


def test_where_the_mlproject_comes_from_is_known() -> None:
    project = replace(programs.churn(), tracking=programs.tracking(project=ir.MlProject(type="system")))
    first, *_ = MlflowTarget().emit(project, programs.context(owners=OWNED))
    assert first.origins["entry_points", "features"] == origin("steps", "features")  # type: ignore[union-attr]
    assert [part.kind for part in first.parts] == ["MLproject"]  # type: ignore[union-attr]
