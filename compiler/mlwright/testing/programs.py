"""Sample programs in the IR, built by hand, that reach every kind of node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlwright import ir
from mlwright.platform import BUILTIN
from mlwright.target import EmitContext

NAUGHTY = (
    "$HOME ${HOME} $$ $(id) `id`",
    "a 'single' and \"double\" quote",
    "two\nlines\n",
    "{{workflow.name}} {{$}} {% x %}",
    "-leading # not a comment: no",
    "yes",
    "1e3",
    "ünïcödé 漢字 😀 \u2028 \u0085 \u202e",
    "back\\slash \t tab",
    "",
)
"""Texts that some reader, shell or engine would change on their way to a program."""


IMAGE = "ghcr.io/mlflow/mlflow:v3.17.2-full"
"""The tracking server's image in the samples."""


def origin(*path: str | int) -> ir.Origin:
    """The place in the spec that a sample's node claims to come from."""
    return ir.Origin(path=path)


def container(*argv: str | ir.Ref, **changes: Any) -> ir.Container:
    """A container with an image that is built, and one word for each argument."""
    box = ir.Container(
        image=ir.Image(ref="ghcr.io/acme/churn:1.4.2", build_context=".", dockerfile="Dockerfile"),
        argv=tuple((word,) if word != "" else () for word in argv),
        resources=ir.Resources(cpu=1000, memory=2 * 1024**3, memory_limit=2 * 1024**3),
    )
    return replace(box, **changes)


def task(node: str, *argv: str | ir.Ref, **changes: Any) -> ir.Task:
    """A step whose id is `node`; its name is the id's last part."""
    made = ir.Task(
        id=node,
        name=node.rpartition(".")[2],
        container=container(*(argv or ("python", f"{node}.py"))),
        origin=origin(*node.split(".")),
    )
    return replace(made, **changes)


def tracking(**changes: Any) -> ir.Tracking:
    """A tracking server of the project's own with the default stores."""
    made = ir.Tracking(experiment="churn-local", version="3.17.2", image=ir.Image(ref=IMAGE), origin=origin("tracking"))
    return replace(made, **changes)


def project(*nodes: ir.Node, **changes: Any) -> ir.Project:
    """A program of these nodes, in this order, with one pipeline that runs them all."""
    made = ir.Project(
        name="churn",
        environment=ir.Environment(name="local", platform="compose", origin=origin("environments", "local")),
        artifacts=ir.Storage(name="artifacts", type="mlflow", origin=origin("storage", "artifacts")),
        tracking=tracking(),
        nodes=nodes,
        pipelines=(
            ir.Pipeline(name="main", nodes=tuple(node.id for node in nodes), origin=origin("pipelines", "main")),
        ),
        spec_digest="0" * 64,
    )
    return replace(made, **changes)


def churn(**changes: Any) -> ir.Project:
    """A program with every kind of node: steps, a loop, tuning, gates, registration, endpoints, a notebook."""
    metric = ir.Metric(name="val_auc", goal="maximize", pattern=r"val_auc=(\S+)", reduce="best")
    model = ir.Output(name="model", type="mlflow-model")
    features = task(
        "steps.features",
        *("python", "prepare.py", ir.Ref("data.customers"), ir.Ref("outputs.table")),
        data=("customers",),
        outputs=(ir.Output(name="table", type="dataset"),),
        retries=ir.Retries(limit=2, backoff=30.0),
        cache=True,
    )
    stores = task(
        "steps.stores",
        *("python", "store.py", ir.Ref("each.store")),
        for_each=ir.ForEach(keys=(("store", ("berlin", "paris", "rome")),), max_parallel=2),
        needs=(ir.Need(node="steps.features"),),
    )
    later = task(
        "steps.later",
        *("python", "later.py", ir.Ref("each.store")),
        for_each=ir.ForEach(keys=(("store", ir.Ref("params.stores")),)),
        params=("stores",),
    )
    training = task(
        "training",
        *("python", "train.py", ir.Ref("params.learning_rate"), ir.Ref("outputs.model")),
        needs=(ir.Need(node="steps.features"), ir.Need(node="tuning")),
        inputs=("steps.features.outputs.table",),
        params=("learning_rate", "epochs"),
        outputs=(model,),
        metrics=(metric,),
        tuning="tuning",
        tuned=("learning_rate",),
        checkpoints=ir.Checkpoints(storage="warehouse", path="ckpt", resume=True),
        distributed=ir.Distributed(nodes_min=4, nodes_max=4, processes_per_node=2, launcher="torchrun"),
    )
    search = ir.Search(
        id="tuning",
        name="tuning",
        trial=replace(
            training, id="tuning.trial", name="trial", needs=(ir.Need(node="steps.features"),), tuning="", tuned=()
        ),
        training="training",
        objective="val_auc",
        goal="maximize",
        algorithm="tpe",
        space=(ir.Dimension(param="learning_rate", type="float", min=0.0001, max=0.3, distribution="log_uniform"),),
        max_trials=30,
        parallel=3,
        max_failed=3,
        needs=(ir.Need(node="steps.features"),),
        origin=origin("tuning"),
    )
    evaluation = task(
        "evaluation",
        needs=(ir.Need(node="training"),),
        inputs=("training.outputs.model",),
        metrics=(ir.Metric(name="test_auc", goal="maximize"),),
        container=container(
            "python",
            "evaluate.py",
            env=(("TOKEN", (ir.Ref("secrets.lake.AWS_ACCESS_KEY_ID"),)),),
            secrets=("lake",),
            mounts=(
                ir.Mount(target="/etc/conf.yaml", kind="file", source="conf/eval.yaml", read_only=True),
                ir.Mount(target="/dev/shm", kind="memory", size=16 * 1024**3),
                ir.Mount(target="/fast", kind="memory", size=1024**2),
                ir.Mount(target="/scratch", kind="disk", size=200 * 1024**3),
                ir.Mount(target="/data", kind="storage", source="datasets"),
            ),
            labels=(("team", "growth $ 1"),),
        ),
    )
    gates = ir.Gates(
        id="evaluation.gates",
        name="evaluation-gates",
        step="evaluation",
        model="churn",
        gates=(ir.Gate(name="floor", metric="test_auc", goal="maximize", min=0.85),),
        metrics=evaluation.metrics,
        needs=(ir.Need(node="evaluation"),),
        origin=origin("evaluation", "gates"),
    )
    registry = ir.Registration(
        id="registry",
        name="registry",
        model="churn",
        step="training",
        output="model",
        alias="challenger",
        bootstrap=("champion",),
        needs=(ir.Need(node="training"), ir.Need(node="evaluation.gates")),
        origin=origin("registry"),
    )
    notify = task("steps.notify", *("python", "notify.py", ir.Ref("run.status")), run_if="failed")
    nodes = (features, stores, later, search, training, evaluation, gates, registry, notify)
    endpoint = ir.Service(
        id="serving.online",
        name="online",
        container=container(),
        source=ir.ModelSource(kind="registry", model="churn", alias="champion"),
        binding="run",
        format="mlflow",
        variants=(
            ir.Variant(name="challenger", source=ir.ModelSource(kind="registry", model="churn", alias="challenger")),
        ),
        smoke_request="tests/request.json",
        origin=origin("serving", "online"),
    )
    made = project(
        *nodes,
        params=(
            ir.Param(name="learning_rate", type="float", default=0.05, origin=origin("params", "learning_rate")),
            ir.Param(name="epochs", type="int", default=10, origin=origin("params", "epochs")),
            ir.Param(name="stores", type="json", default=["a"], origin=origin("params", "stores")),
        ),
        secrets=(ir.Secret(name="lake", keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),),
        storage=(
            ir.Storage(
                name="warehouse", type="directory", path=".mlwright/warehouse", origin=origin("storage", "warehouse")
            ),
            ir.Storage(name="datasets", type="volume", claim="imagenet", origin=origin("storage", "datasets")),
        ),
        data=(
            ir.DataSource(
                name="customers", source="sample/customers.parquet", local=True, origin=origin("data", "customers")
            ),
        ),
        services=(endpoint,),
        notebooks=(
            ir.Notebook(
                id="notebooks.explore",
                name="explore",
                container=ir.Container(mounts=(ir.Mount(target="/home", kind="disk", size=20 * 1024**3),)),
                origin=origin("notebooks", "explore"),
            ),
        ),
    )
    return replace(made, **changes)


def runtime(name: str) -> str:
    """Stand-ins for the runtime programs: enough to follow their imports."""
    programs: Mapping[str, str] = {
        "step.py": "from __future__ import annotations\nimport json\n",
        "gate.py": "from step import main\n",
        "users.py": "from server import Server\n",
        "register.py": "import sys\nfrom step import main\n",
        "root.py": "from step import main\n",
        "project.py": "from root import start\n",
        "serve.py": "from step import main\n",
        "search.py": "import optuna\nfrom samplers import make\n",
        "conduct.py": "from root import start\n",
        "operate.py": "from step import main\n",
        "samplers.py": "import math\n",
    }
    if name not in programs:
        raise FileNotFoundError(name)
    return programs[name]


def context(**changes: Any) -> EmitContext:
    """What a target is given beside the program, on the Compose platform."""
    made = EmitContext(platform=BUILTIN["compose"], owners={}, runtime=runtime)
    return replace(made, **changes)
