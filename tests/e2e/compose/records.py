"""What a tracking server knows of one pipeline run, read with MLflow's own client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class Records:
    """The runs of an experiment and the versions of a model."""

    client: MlflowClient
    experiment: str
    model: str

    def runs(self) -> list[Run]:
        """All of them, in the order of their start."""
        found = self.client.get_experiment_by_name(self.experiment)
        return (
            list(self.client.search_runs([found.experiment_id], order_by=["start_time"], max_results=1000))
            if found
            else []
        )

    def of(self, kind: str) -> list[Run]:
        """The runs of one kind: `root`, `step`, `tuning`, `trial`, `gate` or `register`."""
        return [run for run in self.runs() if run.data.tags.get("mlwright.kind") == kind]

    def step(self, path: str) -> Run:
        """The only run of a step."""
        (found,) = [run for run in self.runs() if run.data.tags.get("mlwright.step") == path]
        return found

    def versions(self) -> list[ModelVersion]:
        """The model's versions."""
        return list(self.client.search_model_versions(f"name = '{self.model}'"))

    def aliases(self) -> dict[str, str]:
        """The model's aliases: the version of each."""
        return {name: str(number) for name, number in self.client.get_registered_model(self.model).aliases.items()}

    def whole(self) -> dict[str, Any]:
        """All that must outlive a restart, as plain values that can be compared."""
        runs = {
            run.info.run_id: (run.info.status, dict(run.data.params), dict(run.data.metrics), dict(run.data.tags))
            for run in self.runs()
        }
        versions = {str(version.version): (version.run_id, dict(version.tags)) for version in self.versions()}
        return {"runs": runs, "versions": versions, "aliases": self.aliases()}


def records(uri: str, environment: str) -> Records:
    """Those of `examples/breast-cancer` in an environment."""
    return Records(MlflowClient(uri, uri), f"breast-cancer-{environment}", "breast-cancer")
