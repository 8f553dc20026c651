"""A platform: its orchestrator, the systems that run there with their versions, and what ops define by name."""

from __future__ import annotations

from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING

from mlwright.diag import Label, Locate
from mlwright.platform.owners import Orchestrator
from mlwright.platform.versions import FEATURES, KNOWN, api_version, reaches
from mlwright.record import dataclass
from mlwright.source.tree import Node
from mlwright.span import Path

if TYPE_CHECKING:  # the built-in platforms do without
    from mlwright.platform.model import Platform
    from mlwright.platform.sections import Gpu, Identity, Namespace, Placement

MLFLOW = "3.17.2"
"""The tracking server's version where a platform file names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A platform as the compiler uses it.

    `systems` maps a system's dotted name (`argo_workflows`, `kubeflow.katib`) to its version. `written` is what the
    platform file says, `tree` is its text with places and `place` finds the place of a label's path in it; all three
    are None for a built-in platform.
    """

    name: str
    orchestrator: Orchestrator
    local: bool = False
    systems: dict[str, str] = field(default_factory=dict)
    written: Platform | None = None
    tree: Node | None = field(default=None, compare=False)
    place: Locate | None = field(default=None, compare=False)

    @property
    def file(self) -> Platform:
        """All sections of the platform file, `platform.file.network.policies` for example; their defaults where it
        says nothing."""
        return self.written or _unwritten()

    @property
    def mlflow(self) -> str:
        """The MLflow version of the tracking server, without a `v`."""
        return self.systems.get("mlflow", MLFLOW)

    def mlflow_image(self, version: str = "") -> str:
        """MLflow's own image that has every driver, of `version` or of the platform's."""
        return f"ghcr.io/mlflow/mlflow:v{version or self.mlflow}-full"

    def api(self, kind: str, system: str = "") -> str:
        """The `apiVersion` that objects of `kind` have here; `system` tells kinds of one name apart. Raises
        LookupError where no system has it."""
        return api_version(kind, self.systems, system)

    def at_least(self, system: str, version: str) -> bool:
        """Whether `system` runs here in `version` or later."""
        return system in self.systems and reaches(self.systems[system], version)

    def has(self, name: str) -> bool:
        """Whether a system runs here, or a feature of one (a key of `versions.FEATURES`) is there. Raises LookupError
        for a name that is neither."""
        if name in KNOWN:
            return name in self.systems
        return self.at_least(*FEATURES[name])

    def placement(self, name: str) -> Placement:
        """Where pods with `placement: NAME` go; anywhere for "". Raises LookupError for an unknown name."""
        return self.file.placements[name] if name else _anywhere()

    def identity(self, name: str) -> Identity | None:
        """Who pods with `identity: NAME` are; None for "". Raises LookupError for an unknown name."""
        return self.file.identities[name] if name else None

    def namespace(self, name: str) -> Namespace | None:
        """What ops say of a namespace; None where they say nothing."""
        return self.written.namespaces.get(name) if self.written else None

    def gpu(self, model: str) -> Gpu:
        """The resource of a GPU model and the labels of its nodes; NVIDIA's, on any node, for one that ops do not
        list."""
        return self.file.gpus.get(model) or _any_gpu()

    def storage_class(self, name: str) -> str:
        """The Kubernetes name of a storage class: ops' name for it, or `name` itself where they list none."""
        found = self.file.storage_classes.get(name)
        return found.name if found else name

    def image(self, ref: str) -> str:
        """`ref` as it is pulled here: from the registry's mirror, or through the mirror of all registries."""
        images = self.written.images if self.written else None
        if images is None:
            return ref
        registry, rest = _registry(ref)
        if mirror := images.mirrors.get(registry):
            return f"{mirror.rstrip('/')}/{rest}"
        if images.registry and not ref.startswith(f"{images.registry.rstrip('/')}/"):
            return f"{images.registry.rstrip('/')}/{registry}/{rest}"
        return ref

    @property
    def tools(self) -> str:
        """The image of mlwright's own programs; "" where ops have none."""
        images = self.written.images if self.written else None
        return images.tools.text if images and images.tools else ""

    @property
    def keep_runs(self) -> float:
        """Seconds that finished workflows and jobs stay; 0 for ever."""
        retention = self.written.retention if self.written else None
        return retention.runs.seconds if retention and retention.runs else 0.0

    @property
    def keep_artifacts(self) -> str:
        """How long files of deleted runs stay, as ops wrote it; "" for ever."""
        retention = self.written.retention if self.written else None
        return retention.artifacts.text if retention and retention.artifacts else ""

    def names(self, section: str) -> frozenset[str]:
        """The names that ops defined in one section, for example `placements`."""
        return frozenset(getattr(self.file, section)) if self.written else frozenset()

    def label(self, environment: str, path: Path = ("orchestrator",), text: str = "") -> Label:
        """A label at `path` of the platform file; for a built-in platform, where the environment names it."""
        if self.place is None:
            return Label(path=("environments", environment, "platform"), text=text)
        return Label(path=path, span=self.place(Label(path=path)), text=text)


def _registry(ref: str) -> tuple[str, str]:
    """An image's registry and the rest, completed as engines do: `python` is `docker.io/library/python`."""
    first, slash, rest = ref.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return "docker.io", ref if slash else f"library/{ref}"


@cache
def _unwritten() -> Platform:
    from mlwright.platform.model import Platform

    return Platform(apiVersion="mlwright.dev/v1", kind="Platform", orchestrator="kubernetes", kubernetes="1.36")


@cache
def _anywhere() -> Placement:
    from mlwright.platform.sections import Placement

    return Placement()


@cache
def _any_gpu() -> Gpu:
    from mlwright.platform.sections import Gpu

    return Gpu()


_STABLE = {"kubernetes": "1.36", "mlflow": MLFLOW}
_KUBEFLOW = {
    "kubeflow.pipelines": "2.17",
    "kubeflow.katib": "0.19",
    "kubeflow.trainer": "2.3",
    "kubeflow.kserve": "0.20",
    "kubeflow.notebooks": "1.11",
    "kubeflow.profiles": "2.0",
    "kubeflow.dashboard": "2.0",
    "jobset": "0.12",
    "istio": "1.30",
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
