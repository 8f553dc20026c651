"""The whole project file, version 1."""

from typing import Literal, Self

from mlwright.spec.base import Many, Mapped, Model, Named
from mlwright.spec.container import Step
from mlwright.spec.data import DataSource
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.environments import Environment
from mlwright.spec.gitops import Gitops
from mlwright.spec.models import ModelEntry
from mlwright.spec.monitoring import Monitoring
from mlwright.spec.notebooks import Notebook
from mlwright.spec.params import Param
from mlwright.spec.patches import Objects, Patch
from mlwright.spec.pipelines import Pipeline
from mlwright.spec.registry import Registry
from mlwright.spec.scalars.names import LabelKey, LabelValue, ParamName, ProjectName
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import Line, RelativePath
from mlwright.spec.secrets import Secret
from mlwright.spec.serving import Serving
from mlwright.spec.steps import Defaults
from mlwright.spec.storage import Storage
from mlwright.spec.tracking import Tracking
from mlwright.spec.tuning import Tuning


class Metadata(Model):
    """What the project is called and whose it is."""

    name: ProjectName = Field(description="Every object's name begins with it.", examples=["churn"])
    description: str = Field(default="", description="For readers.", examples=["Predicts which customers leave."])
    owners: Many[Line] = Field(default=(), description="Who to ask.", examples=[["growth-ml@example.com"]])
    labels: Mapped[LabelKey, LabelValue] = Field(
        default={}, description="Labels of every object.", examples=[{"cost-center": "4711"}]
    )


class Project(Model):
    """An ML project: one file that everything which runs is made from."""

    apiVersion: Literal["mlwright.dev/v1"] = Field(
        description="Version of this language.", examples=["mlwright.dev/v1"]
    )
    kind: Literal["MLProject"] = Field(description="What the file is.", examples=["MLProject"])
    extends: Many[RelativePath] = Field(
        default=(), description="Files merged beneath this one.", examples=[["../../ml-base.yaml"]]
    )
    metadata: Metadata = Field(description="Name and owners.", examples=[{"name": "churn"}])
    defaults: Defaults | None = Field(
        default=None,
        description="What entries have unless they say otherwise.",
        examples=[{"steps": {"resources": {"cpu": 1}}}],
    )
    params: Mapped[ParamName, Param] = Field(
        default={}, description="Typed parameters.", examples=[{"learning_rate": {"type": "float", "default": 0.05}}]
    )
    secrets: Named[Secret] = Field(
        default={}, description="Names of secrets, never values.", examples=[{"mlflow-db": {"keys": ["uri"]}}]
    )
    storage: Named[Storage] = Field(
        default={}, description="Every place that the project writes to.", examples=[{"artifacts": {"type": "mlflow"}}]
    )
    data: Named[DataSource] = Field(
        default={},
        description="What it reads and does not make.",
        examples=[{"customers": {"source": "data/customers.csv"}}],
    )
    steps: Named[Step] = Field(
        default={},
        description="Any step, anywhere in the graph.",
        examples=[{"features": {"command": ["python", "prepare.py"]}}],
    )
    training: Step | None = Field(
        default=None, description="How the model is trained.", examples=[{"command": ["python", "train.py"]}]
    )
    tuning: Tuning | None = Field(
        default=None,
        description="How its parameters are searched.",
        examples=[{"objective": "auc", "space": {"depth": {"values": [4, 6]}}, "trials": {"max": 10}}],
    )
    evaluation: Step | None = Field(
        default=None, description="How the model is judged.", examples=[{"command": ["python", "evaluate.py"]}]
    )
    registry: Registry | None = Field(
        default=None,
        description="What is registered.",
        examples=[{"model": "churn", "from": "${training.outputs.model}"}],
    )
    models: Named[ModelEntry] = Field(
        default={},
        description="Several models, instead of the four sections above.",
        examples=[{"ranker": {"training": {"command": ["python", "train.py"]}}}],
    )
    serving: Named[Serving] = Field(
        default={}, description="What answers requests.", examples=[{"online": {"model": "${registry.churn@champion}"}}]
    )
    pipelines: Named[Pipeline] = Field(
        default={},
        description="Which nodes run together, and when. Without it: `main`, with every step.",
        examples=[{"retrain": {"run": ["registry"], "schedule": "0 3 * * 1"}}],
    )
    tracking: Tracking | None = Field(
        default=None, description="The MLflow tracking server.", examples=[{"server": {"type": "deployed"}}]
    )
    notebooks: Named[Notebook] = Field(
        default={}, description="Places to explore.", examples=[{"explore": {"resources": {"cpu": 2}}}]
    )
    monitoring: Monitoring | None = Field(
        default=None,
        description="What is watched.",
        examples=[{"alerts": {"slow": {"on": "serving.online", "metric": "latency", "max": "250ms"}}}],
    )
    environments: Named[Environment] = Field(
        default={},
        description="Where it runs, and what is different there.",
        examples=[{"local": {"platform": "local"}}],
    )
    gitops: Gitops | None = Field(
        default=None,
        description="Where the output is committed.",
        examples=[{"repo": "https://git.example.com/acme/churn"}],
    )
    policies: Many[RelativePath] = Field(default=(), description="Policy files and folders.", examples=[["policies/"]])
    patches: Named[Patch] = Field(
        default={},
        description="Changes of emitted objects.",
        examples=[
            {"drain": {"why": "long requests", "on": {"node": "training", "kind": "Job"}, "merge": {"spec": {}}}}
        ],
    )
    objects: Named[Objects] = Field(
        default={}, description="Files added as they are.", examples=[{"dashboards": {"path": "k8s/dashboards/"}}]
    )

    @model_validator(mode="after")
    def one_form(self) -> Self:
        """`models`, or the four sections for one model."""
        single = [name for name in ("training", "tuning", "evaluation", "registry") if getattr(self, name) is not None]
        if self.models and single:
            raise refuse(
                "SPEC015",
                f"`models` and `{single[0]}` stand in one file",
                f"move `{single[0]}` under an entry of `models`",
            )
        return self
