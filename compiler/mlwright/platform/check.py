"""What is wrong with a platform file by itself: releases, and settings of systems that it does not list."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright.diag import Diagnostic, Label
from mlwright.platform.profile import Profile
from mlwright.platform.versions import KNOWN, listing, numbers, reaches, within
from mlwright.source.suggest import closest
from mlwright.span import Path

GANGS = {"kueue": "kueue", "volcano": "volcano", "coscheduling": "scheduler_plugins"}
"""Who starts all pods of a job together -> the system that does it."""

_SECTIONS = {
    "gateway": "gateway_api",
    "secret_store": "external_secrets",
    "mesh": "istio",
    "katib": "kubeflow.katib",
    "workspaces": "kubeflow.notebooks",
    "kserve": "kubeflow.kserve",
    "runtimes": "kubeflow.trainer",
}
"""Section -> the system that it sets up."""


def check(profile: Profile) -> Iterator[Diagnostic]:
    """PLAT003 and PLAT004 for releases, PLAT005 for settings without their system, PLAT006 for names that nothing
    defines. Labels are paths of the platform file."""
    yield from _releases(profile)
    yield from _settings(profile)
    yield from _placements(profile)


def _releases(profile: Profile) -> Iterator[Diagnostic]:
    for system, version in profile.systems.items():
        known, path = KNOWN[system], (*system.split("."), "version")
        if profile.place is None or profile.place(Label(path=path)) == profile.place(Label(path=path[:-1], on="key")):
            path = path[:-1]  # the short form
        if known.oldest and not reaches(version, known.oldest):
            yield Diagnostic(
                code="PLAT003",
                message=f"nothing is written for {system} {version}: {known.oldest} brought {known.why}",
                at=Label(path=path, text=f"before {known.oldest}"),
                help=f"upgrade it to {known.oldest} or later, or leave it out",
            )
        elif not within(version, known.newest):
            yield Diagnostic(
                code="PLAT004",
                message=f"{system} {version} is newer than this mlwright, which writes for {known.newest}",
                at=Label(path=path),
                help=f"see whether it still serves what {known.newest} did, or upgrade mlwright",
                severity="note" if numbers(version)[0] == numbers(known.newest)[0] else "warning",
            )


def _settings(profile: Profile) -> Iterator[Diagnostic]:
    if profile.file.kserve and profile.file.kserve.mode == "knative" and "knative" not in profile.systems:
        yield _unlisted(("kserve", "mode"), "`mode: knative` needs", "knative")
    for section, system in _SECTIONS.items():
        if getattr(profile.file, section) and system not in profile.systems:
            yield _unlisted((section,), f"`{section}` sets up", system)


def _placements(profile: Profile) -> Iterator[Diagnostic]:
    for name, placement in profile.file.placements.items():
        path: Path = ("placements", name)
        system = GANGS.get(placement.gang, "")
        if system and system not in profile.systems:
            yield _unlisted((*path, "gang"), f"`gang: {placement.gang}` needs", system)
        if placement.queue and "kueue" not in profile.systems:
            yield _unlisted((*path, "queue"), "`queue` needs", "kueue")
        gpus = profile.names("gpus")
        if placement.gpu and placement.gpu not in gpus:
            near = closest(placement.gpu, sorted(gpus))
            yield Diagnostic(
                code="PLAT006",
                message=f"this platform has no GPU model `{placement.gpu}`",
                at=Label(path=(*path, "gpu")),
                help=f"did you mean `{near}`?" if near else f"add it: `gpus: {{{placement.gpu}: {{}}}}`",
            )


def _unlisted(path: Path, what: str, system: str) -> Diagnostic:
    return Diagnostic(
        code="PLAT005",
        message=f"{what} {system}, which this platform does not list",
        at=Label(path=path, on="key" if len(path) == 1 else "value"),
        help=f"add `{listing(system)}`",
    )
