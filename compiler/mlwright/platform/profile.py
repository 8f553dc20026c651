"""A platform: its orchestrator, the systems that run there with their versions, and what ops define by name."""

from __future__ import annotations

from dataclasses import field

from mlwright.diag import Locate
from mlwright.ir import Json
from mlwright.platform.owners import Orchestrator
from mlwright.platform.versions import FEATURES, KNOWN, api_version, reaches
from mlwright.record import dataclass

MLFLOW = "3.17.2"
"""The tracking server's version where a platform file names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A platform as the compiler uses it.

    `systems` maps a system's dotted name (`argo_workflows`, `kubeflow.katib`) to its version. `settings` holds the
    rest of the platform file as plain JSON (placements, identities, runtimes, images ...), for the targets. `place`
    finds the place of a label's path in the platform file; None for a built-in platform.
    """

    name: str
    orchestrator: Orchestrator
    local: bool = False
    systems: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Json] = field(default_factory=dict)
    place: Locate | None = field(default=None, compare=False)

    @property
    def mlflow(self) -> str:
        """The MLflow version of the tracking server, without a `v`."""
        return self.systems.get("mlflow", MLFLOW)

    def mlflow_image(self, version: str = "") -> str:
        """MLflow's own image that has every driver, of `version` or of the platform's."""
        return f"ghcr.io/mlflow/mlflow:v{version or self.mlflow}-full"

    def api(self, kind: str) -> str:
        """The `apiVersion` that objects of `kind` have here. Raises LookupError where no system has it."""
        return api_version(kind, self.systems)

    def at_least(self, system: str, version: str) -> bool:
        """Whether `system` runs here in `version` or later."""
        return system in self.systems and reaches(self.systems[system], version)

    def has(self, name: str) -> bool:
        """Whether a system runs here, or a feature of one (a key of `versions.FEATURES`) is there. Raises LookupError
        for a name that is neither."""
        if name in KNOWN:
            return name in self.systems
        return self.at_least(*FEATURES[name])

    def names(self, section: str) -> frozenset[str]:
        """The names that ops defined in one section, for example `placements`."""
        value = self.settings.get(section)
        return frozenset(value) if isinstance(value, dict) else frozenset()


_STABLE = {"kubernetes": "1.36", "mlflow": MLFLOW, "jobset": "0.12", "gateway_api": "1.6"}
_KUBEFLOW = {
    "kubeflow.pipelines": "2.17",
    "kubeflow.katib": "0.19",
    "kubeflow.trainer": "2.3",
    "kubeflow.kserve": "0.20",
    "kubeflow.notebooks": "1.11",
    "kubeflow.profiles": "2.0",
}

BUILTIN: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(name="local", orchestrator="compose", local=True, systems={"mlflow": MLFLOW}),
        Profile(name="compose", orchestrator="compose", systems={"mlflow": MLFLOW}),
        Profile(name="kubernetes", orchestrator="kubernetes", systems=dict(_STABLE)),
        Profile(name="argo", orchestrator="argo", systems={**_STABLE, "argo_workflows": "4.1"}),
        Profile(name="kubeflow", orchestrator="kubeflow-pipelines", systems={**_STABLE, **_KUBEFLOW}),
    )
}
"""The platforms that need no file: this machine, Compose, and current stable releases on a cluster."""
