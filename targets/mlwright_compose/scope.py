"""One pipeline in Compose: the names of its services, its profile, its run id."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlwright.emit.pipeline import default
from mlwright.ir import Pipeline
from mlwright_compose.text import Interpolated

SERVER = "mlflow"
USERS = f"{SERVER}-users"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The services of one pipeline.

    The default pipeline's have plain names and no profile. Every other pipeline has services of its own, named
    `<pipeline>-...`, under the profile `pipeline-<name>`, because parameters and the run differ. `waits` maps a node's
    id to the services that have to end before the node has; it grows while nodes are emitted in their order.
    A `scheduled` one has the same services once more, named `scheduled-<pipeline>-...`, under the profile
    `schedule-<name>`: they stay, and start their programs for every run that the clock opens.
    """

    pipeline: Pipeline
    default: bool
    scheduled: bool = False
    waits: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def items(self, node: str) -> int:
        """The number of services behind a node that became several; 0 where it is one."""
        services = self.waits.get(node, ())
        return len(services) if len(services) > 1 else 0

    @property
    def profiles(self) -> list[str]:
        """The Compose profiles of every service of this pipeline."""
        if self.scheduled:
            return [f"schedule-{self.pipeline.name}"]
        return [] if self.default else [f"pipeline-{self.pipeline.name}"]

    @property
    def run(self) -> Interpolated:
        """The value of MLWRIGHT_RUN: one from outside, else a fixed name, so that a second `up` resumes."""
        return Interpolated(f"${{MLWRIGHT_RUN:-default{'' if self.default else f'-{self.pipeline.name}'}}}")

    @property
    def start(self) -> str:
        """The service that makes the root run."""
        return self.name("start")

    @property
    def finish(self) -> str:
        """The service that sets the root run's status."""
        return self.name("finish")

    def name(self, base: str) -> str:
        """The name of one service of this pipeline."""
        if self.scheduled:
            return f"scheduled-{self.pipeline.name}-{base}"
        return base if self.default else f"{self.pipeline.name}-{base}"

    def kind(self, kind: str) -> str:
        """How patches address a service of this pipeline."""
        return f"Scheduled{kind}" if self.scheduled else kind


def scopes(pipelines: tuple[Pipeline, ...]) -> list[Scope]:
    """A scope for each pipeline."""
    first = default(pipelines)
    return [Scope(pipeline=pipeline, default=pipeline.name == first) for pipeline in pipelines]


def scheduled(pipelines: tuple[Pipeline, ...]) -> list[Scope]:
    """A scope more for each pipeline that starts by itself."""
    return [Scope(pipeline=it, default=False, scheduled=True) for it in pipelines if it.schedule.cron]
