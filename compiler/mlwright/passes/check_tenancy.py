"""What Kubeflow asks of namespaces and notebooks: whose a namespace is, and what a Workspace's kind decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.platform import Profile

_WORKSPACES = ("kubeflow.notebooks", "2.0")


def check_tenancy(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterable[Diagnostic]:
    """PLAT012 a namespace of nobody where namespaces are Profiles, PLAT013 two people of one name there, PLAT014 labels
    that it does not get, BOOK001 what a notebook asks for and a Workspace does not take. `owners` maps node ids to
    targets."""
    if owners.get("namespace") == "kubeflow":
        yield from _owner(project, profile)
        yield from _people(project, profile)
    if profile.at_least(*_WORKSPACES):
        for notebook in project.notebooks:
            if owners.get(notebook.id) == "kubeflow":
                yield from _workspace(notebook, project, profile)


def _owner(project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    name, environment = project.environment.namespace, project.environment.name
    found = profile.namespace(name)
    if found and found.owner:
        if found.labels:
            yield Diagnostic(
                code="PLAT014",
                message=f"the labels of the namespace `{name}` are not set: a Profile makes it, with Kubeflow's own",
                at=profile.label(environment, ("namespaces", name, "labels"), "without effect"),
                help="leave them out; labels for all namespaces are a setting of Kubeflow's profile controller",
                severity="warning",
            )
        return
    place = ("namespaces", name) if found else ("kubeflow", "profiles")
    there = profile.label(environment, place, "with `kubeflow.profiles`, each namespace belongs to somebody")
    yield Diagnostic(
        code="PLAT012",
        message=f"nobody owns the namespace `{name}`, which Kubeflow's Profiles would make",
        at=Label(path=("environments", environment, "namespace"), text="this namespace"),
        related=(there,),
        help=f"in the platform file: `namespaces: {{{name}: {{owner: ann@example.com}}}}`",
    )


def _people(project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    name, environment = project.environment.namespace, project.environment.name
    found = profile.namespace(name)
    seen: dict[tuple[str, str], str] = {}
    for person, role in found.contributors.items() if found else ():
        key = re.sub(r"[^a-zA-Z0-9]+", "-", person).strip("-").lower(), role
        before = seen.setdefault(key, person)
        if before != person:
            path = ("namespaces", name, "contributors")
            yield Diagnostic(
                code="PLAT013",
                message=f"Kubeflow cannot tell `{person}` from `{before}`: letters and digits alone make a name",
                at=profile.label(environment, (*path, person)),
                related=(profile.label(environment, (*path, before)),),
                help="give one of them another role, or let a group have it by an object of your own",
            )


def _workspace(notebook: ir.Notebook, project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    box, settings = notebook.container, profile.file.workspaces
    if settings is None:
        return  # told as a need
    asked = {
        "image": bool(box.image.ref),
        "command": bool(box.argv or box.script),
        "args": bool(box.args),
        "port": notebook.port != 8888,
        "resources": box.resources != ir.Resources(),
        "security": box.security != ir.Security(),
        "identity": bool(box.identity),
        "placement": bool(box.placement) and box.placement not in settings.placements,
    }
    for field in (name for name, said in asked.items() if said):
        other = field == "placement"
        yield Diagnostic(
            code="BOOK001",
            message=f"`{notebook.id}` is a Workspace here, which takes its {field} from `{settings.kind}`",
            at=Label(path=(*notebook.origin.path, field), text="without effect"),
            related=(profile.label(project.environment.name, ("workspaces", "kind"), "chosen by ops"),),
            help=f"ops could say `workspaces: {{placements: {{{box.placement}: POD OPTION}}}}`"
            if other
            else f"set it to null under `environments.{project.environment.name}`",
            severity="warning",
        )
