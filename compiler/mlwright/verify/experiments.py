"""Katib's Experiments, whose definition takes anything: what its webhook and its shell would make of a trial."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlwright.diag import Diagnostic
from mlwright.diag.diagnostic import Severity
from mlwright.regex import lazy
from mlwright.span import Path
from mlwright.verify.finding import finding, is_users
from mlwright.verify.manifest import Manifest
from mlwright.verify.shape import mapping, mappings, word

_INERT = lazy(r"[A-Za-z0-9/._=-]+")
_BY_SHELL = ("StdOut", "File", "TensorFlowEvent", "")
"""Collectors for which Katib starts the primary container's words, joined by spaces, by a shell."""
_FILLED = lazy(r"\$\{trialParameters\.(.+?)\}")
_RESOURCES = frozenset({"Job", "TrainJob", "TFJob", "PyTorchJob", "MPIJob", "XGBoostJob"})
"""Kinds of trials that Katib knows without being told."""


def check(manifest: Manifest) -> Iterator[Diagnostic]:
    """VER020 a trial that Katib refuses, or starts with other words; VER021 one whose kind it has to be told of."""
    if manifest.kind != "Experiment" or manifest.group != "kubeflow.org":
        return
    template = mapping(manifest.spec.get("trialTemplate"))
    trial, base = mapping(template.get("trialSpec")), (*manifest.at, "spec", "trialTemplate")
    if not trial:
        return
    yield from _words(manifest, template, (*base, "trialSpec"))
    yield from _parameters(manifest, template, base)
    for key in {"name", "namespace"} & set(mapping(trial.get("metadata"))):
        message = f"{manifest} gives its trials the {key} that Katib gives them"
        yield finding("VER020", manifest, (*base, "trialSpec", "metadata", key), message, "remove it", on_key=True)
    if (kind := word(trial.get("kind"))) not in _RESOURCES:
        yield finding(
            "VER021",
            manifest,
            (*base, "trialSpec", "kind"),
            f"Katib follows no {kind} unless it is told of that kind",
            f"ops add it to `trialResources` of KatibConfig, and to the rights of Katib's controller: {kind}",
            severity="warning",
        )


def _words(manifest: Manifest, template: dict[str, Any], base: Path) -> Iterator[Diagnostic]:
    collector = mapping(mapping(manifest.spec.get("metricsCollectorSpec")).get("collector"))
    if word(collector.get("kind")) not in _BY_SHELL:
        return
    for path, container in _primary(template, base):
        words = [
            (place, item)
            for place in ((*path, "command"), (*path, "args"))
            for place, item in _items(container.get(str(place[-1])), place)
        ]
        if not container.get("command"):
            message = f"Katib would have to ask the registry how the trials of {manifest} start"
            yield finding("VER020", manifest, path, message, "write the container's `command`", on_key=True)
        if [item for _, item in words[:2]] in (["sh", "-c"], ["bash", "-c"]):
            continue  # words for a shell already
        for place, item in words:
            if not isinstance(item, str) or not _INERT.fullmatch(_FILLED.sub("0", item)):
                message = f"Katib has a shell start the trials of {manifest}, which would change the word `{item}`"
                help_ = "a word has letters, digits and `/ . _ = -` only: hand other text over in a variable"
                severity: Severity = "warning" if is_users(manifest, place) else "error"
                yield finding("VER020", manifest, place, message, help_, severity=severity)


def _items(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    for position, item in enumerate(value if isinstance(value, (list, tuple)) else ()):
        yield (*path, position), item


def _primary(template: dict[str, Any], base: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The primary containers; of a TrainJob the trainer, which the runtime's container becomes."""
    trial, name = mapping(template.get("trialSpec")), word(template.get("primaryContainerName"))
    trainer = mapping(mapping(trial.get("spec")).get("trainer"))
    if trial.get("kind") == "TrainJob":
        if trainer.get("command"):
            yield (*base, "spec", "trainer"), trainer
        return
    yield from _named(trial, name, base)


def _named(value: Any, name: str, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, dict):
        for position, container in mappings(value.get("containers")):
            if container.get("name") == name:
                yield (*path, "containers", position), container
        for key, item in value.items():
            yield from _named(item, name, (*path, key))
    elif isinstance(value, (list, tuple)):
        for position, item in enumerate(value):
            yield from _named(item, name, (*path, position))


def _parameters(manifest: Manifest, template: dict[str, Any], base: Path) -> Iterator[Diagnostic]:
    """Each parameter of a trial is somewhere in it, and nothing else is to be filled in."""
    asked = set(_FILLED.findall(json.dumps(template.get("trialSpec"), default=str)))
    known = {word(one.get("name")): at for at, one in mappings(template.get("trialParameters"))}
    for name, at in known.items():
        if name not in asked:
            message = f"no trial of {manifest} asks for its parameter `{name}`"
            yield finding("VER020", manifest, (*base, "trialParameters", at), message, "remove the parameter")
    for name in sorted(asked - set(known)):
        message = f"the trials of {manifest} ask for `{name}`, which is none of their parameters"
        help_ = f"the parameters are {', '.join(sorted(known))}"
        yield finding("VER020", manifest, (*base, "trialSpec"), message, help_, on_key=True)
