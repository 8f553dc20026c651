"""The program meets the lock: endpoints, steps and gates get the versions that it pins their aliases to."""

from __future__ import annotations

from mlwright import ir
from mlwright.passes.lock import Lock
from mlwright.passes.occurrences import containers
from mlwright.record import replace


def pin_models(project: ir.Project, lock: Lock) -> ir.Project:
    """Fill in what the lock has for the environment: the sources of locked endpoints, `pins` of steps and trials,
    `version` of gates. A promotion is no other program, so this comes after the digest of the program."""

    def pinned(source: ir.ModelSource) -> ir.ModelSource:
        entry = lock.models.get((project.environment.name, f"{source.model}@{source.alias}"))
        if source.kind != "registry" or entry is None:
            return source
        return replace(source, version=entry.version, model_id=entry.model_id, uri=entry.uri, digest=entry.digest)

    def service(item: ir.Service) -> ir.Service:
        if item.binding == "run" or (item.source.kind != "registry" and not item.variants):
            return item
        variants = tuple(replace(variant, source=pinned(variant.source)) for variant in item.variants)
        return replace(item, source=pinned(item.source), variants=variants)

    def task(item: ir.Task) -> ir.Task:
        pins = tuple(source for source in map(pinned, models(item)) if source.version)
        return item if pins == item.pins else replace(item, pins=pins)

    def node(item: ir.Node) -> ir.Node:
        match item:
            case ir.Task():
                return task(item)
            case ir.Search():
                return replace(item, trial=task(item.trial))
            case ir.Gates():
                sources = [pinned(versus(item, gate)) for gate in item.gates]
                gates = zip(item.gates, sources, strict=True)
                return replace(item, gates=tuple(replace(gate, version=source.version) for gate, source in gates))
            case _:
                return item

    return replace(
        project,
        nodes=tuple(node(item) for item in project.nodes),
        services=tuple(service(item) for item in project.services),
    )


def digests(project: ir.Project, lock: Lock) -> dict[str, str]:
    """Locked digests by reference, without those of images that the project builds."""
    built = {placed.container.image.ref for placed in containers(project) if placed.container.image.build_context}
    if project.tracking.image.build_context:
        built.add(project.tracking.image.ref)
    return {ref: image.digest for ref, image in lock.images.items() if ref not in built}


def models(task: ir.Task) -> tuple[ir.ModelSource, ...]:
    """The registered models that a step reads, by alias."""
    names = (path.removeprefix("registry.").partition("@") for path in task.inputs if path.startswith("registry."))
    return tuple(ir.ModelSource(kind="registry", model=model, alias=alias) for model, _, alias in names)


def versus(node: ir.Gates, gate: ir.Gate) -> ir.ModelSource:
    """The registered version that a gate compares with; of kind `none` where it compares with numbers only."""
    if not gate.versus:
        return ir.ModelSource()
    return ir.ModelSource(kind="registry", model=node.model, alias=gate.versus)
