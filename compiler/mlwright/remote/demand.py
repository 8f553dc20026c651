"""What an environment needs pinned: aliases of models that it serves, reads and compares with, and images."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright import ir
from mlwright.passes.occurrences import containers, gate_nodes, registrations, searches, tasks
from mlwright.passes.pins import models, versus
from mlwright.platform import Profile
from mlwright.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Where an alias is used: `where` by its path in the spec, `locked` where the lock decides which version it is."""

    model: str
    alias: str
    where: str
    kind: str
    locked: bool = True

    @property
    def key(self) -> str:
        """As the lock file names it."""
        return f"{self.model}@{self.alias}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """An image of a container; `built`: on this machine, `here`: by the engine that starts it, on every start."""

    ref: str
    built: bool = False
    here: bool = False


def aliases(project: ir.Project) -> tuple[Use, ...]:
    """Every alias that endpoints, steps and gates use, in that order.

    Where models are bound to the run (local, Compose, development), the project's own models are looked up when the
    run wants them: there the lock decides for endpoints with `binding: locked`, and for models of other projects.
    """
    own = {node.model for node in registrations(project)}
    free = project.environment.binding == "run"

    def used(source: ir.ModelSource, where: str, kind: str, locked: bool) -> Iterator[Use]:
        if source.kind == "registry":
            yield Use(model=source.model, alias=source.alias, where=where, kind=kind, locked=locked)

    found: list[Use] = []
    for service in project.services:
        locked = service.binding == "locked"
        found += used(service.source, service.id, "endpoint", locked)
        for variant in service.variants:
            found += used(variant.source, f"{service.id}.variants.{variant.name}", "variant", locked)
    trials = [search.trial for search in searches(project) if search.retrain]
    for task in (*tasks(project), *trials):
        for source in models(task):
            found += used(source, task.id.removesuffix(".trial"), "step", not free or source.model not in own)
    for node in gate_nodes(project):
        for gate in node.gates:
            found += used(versus(node, gate), f"{node.id}.{gate.name}", "gate", not free)
    return tuple(dict.fromkeys(found))


def images(project: ir.Project, profile: Profile) -> tuple[ImageUse, ...]:
    """Every image of the environment's containers, by reference; nothing where no container is made."""
    if profile.local:
        return ()
    here = profile.orchestrator == "compose"
    found: dict[str, ImageUse] = {}
    for placed in containers(project):
        box, image = placed.container, placed.container.image
        pinned = "@" in image.ref and (box.argv or box.script)
        if image.ref and not pinned:
            found[image.ref] = _use(image, here)
    server = project.tracking.image
    if server.ref and "@" not in server.ref:
        found.setdefault(server.ref, _use(server, here))
    return tuple(found[ref] for ref in sorted(found))


def _use(image: ir.Image, here: bool) -> ImageUse:
    built = bool(image.build_context)
    return ImageUse(ref=image.ref, built=built, here=built and here)
