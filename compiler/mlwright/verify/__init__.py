"""Emitted Kubernetes objects, held to what a cluster would say of them: alone, and one against the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlwright.diag import Bag
from mlwright.emit.kube.names import stem
from mlwright.ir import Project
from mlwright.platform import Profile
from mlwright.record import dataclass
from mlwright.verify import entries, experiments, externals, lasting, limits, names, pods, references, selectors
from mlwright.verify.manifest import POD_PATCH, Emitted, gather
from mlwright.verify.objects import Objects

if TYPE_CHECKING:
    from mlwright.verify.schemas import Definitions

KEYS = frozenset().union(names.KEYS, limits.KEYS, entries.KEYS, pods.KEYS, references.KEYS, selectors.KEYS, {POD_PATCH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What stands against an environment's objects, and what to know beside."""

    findings: Bag
    notes: tuple[str, ...] = ()


def verify(emitted: Emitted, project: Project, profile: Profile, crds: Definitions | None = None) -> Checked:
    """What a cluster would refuse or never start of an environment's objects; with `crds` also what schemas say."""
    manifests = gather(emitted, KEYS)
    bag = Bag()
    objects = Objects(manifests, externals.declared(project, profile), stem(project))
    for manifest in manifests:
        bag.extend(names.check(manifest))
        bag.extend(limits.check(manifest))
        bag.extend(entries.check(manifest))
        bag.extend(lasting.check(manifest))
        bag.extend(experiments.check(manifest))
        bag.extend(references.check(manifest, objects))
        bag.extend(selectors.check(manifest, objects))
    bag.extend(entries.twice(manifests))
    if crds is None or not manifests:
        return Checked(findings=bag)
    schemas = crds.of(profile.systems["kubernetes"])
    bag.extend(schemas.check(manifests))
    return Checked(findings=bag, notes=(schemas.note(manifests),))
