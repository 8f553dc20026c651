"""Objects that the specification and the platform say someone else makes."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright.emit.kube.environment import secret_object
from mlwright.ir import Project
from mlwright.platform import Profile
from mlwright.verify.pods import mapping

_SECTIONS = {
    "identities": (("ServiceAccount", "service_account"),),
    "placements": (("LocalQueue", "queue"), ("PriorityClass", "priority_class")),
    "storage_classes": (("StorageClass", "name"),),
}


def declared(project: Project, profile: Profile) -> frozenset[tuple[str, str]]:
    """(kind, name) of each: secrets, existing claims, and what the platform file names."""
    return frozenset((*_of_project(project), *_of_platform(profile)))


def _of_project(project: Project) -> Iterator[tuple[str, str]]:
    for secret in project.secrets:
        yield "Secret", secret_object(project, secret.name)
    for storage in project.storage:
        if storage.claim:
            yield "PersistentVolumeClaim", storage.claim


def _of_platform(profile: Profile) -> Iterator[tuple[str, str]]:
    for section, fields in _SECTIONS.items():
        for entry in mapping(profile.settings.get(section)).values():
            for kind, field in fields:
                if isinstance(name := mapping(entry).get(field), str):
                    yield kind, name
    for entry in mapping(profile.settings.get("runtimes")).values():
        yield str(mapping(entry).get("kind", "ClusterTrainingRuntime")), str(mapping(entry).get("name", ""))
