"""Secrets as text in the project file, and secrets that nothing uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import (
    all_references,
    catalog_tags,
    containers,
    json_values,
    registrations,
    strings,
    texts,
)
from mlwright.regex import lazy
from mlwright.source.secrets_text import names_secret, shape
from mlwright.source.suggest import closest
from mlwright.span import Path

_FLAG = lazy(r"(--?[A-Za-z][A-Za-z0-9_-]*)(?:=(.*))?", re.DOTALL)


def check_secrets(project: ir.Project) -> Iterable[Diagnostic]:
    """SEC002 text of a secret's shape, SEC003 text where the name says secret, SEC004 (warning) an unused secret,
    SEC005 a secret that is not declared, SEC006 a key that it does not have."""
    yield from _literals(project)
    yield from _flags(project)
    yield from _unused(project)
    yield from _undeclared(project)


def _literals(project: ir.Project) -> Iterator[Diagnostic]:
    seen: set[Path] = set()
    for path, name, text in _all_texts(project):
        if path in seen:
            continue
        if found := shape(text):
            seen.add(path)
            yield _shaped(path, *found)
        elif name and names_secret(name, text):
            seen.add(path)
            yield _named(path, name)


def _all_texts(project: ir.Project) -> Iterator[tuple[Path, str, str]]:
    """(path, the name that the text is given to, text) of everything that the user wrote."""
    for placed in containers(project):
        for text in texts(placed):
            whole = all(isinstance(part, str) for part in text.template)
            literal = "".join(part if isinstance(part, str) else "$" for part in text.template)
            yield text.path, text.variable if whole else "", literal
        for name, value in placed.container.image.build_args:
            yield (*placed.path, "image", "build", "args", name), name, value
        for name, value in placed.container.annotations:
            yield (*placed.path, "annotations", name), "", value
    for param in project.params:
        if isinstance(param.default, str):
            yield (*param.origin.path, "default"), param.name, param.default
    for source in project.data:
        yield (*source.origin.path, "source"), "", source.source
    for storage in project.storage:
        yield (*storage.origin.path, "uri"), "", storage.uri
    for service in project.services:
        yield (*service.origin.path, "model"), "", service.source.uri
    tracking = project.tracking
    yield (*tracking.origin.path, "server", "url"), "", tracking.url
    yield (*tracking.origin.path, "artifacts", "uri"), "", tracking.artifacts.uri
    yield (*tracking.origin.path, "artifacts", "endpoint"), "", tracking.artifacts.endpoint
    for node in registrations(project):
        for name, value in node.tags:
            yield (*node.origin.path, "tags", name), "", value
    for hook in project.catalog.webhooks:
        yield (*hook.origin.path, "url"), "", hook.url
    for path, value in catalog_tags(project):
        yield path, "", value
    for path, json in json_values(project):
        for found in strings(json):
            yield path, "", found


def _flags(project: ir.Project) -> Iterator[Diagnostic]:
    """`--password hunter2` and `--password=hunter2` in the words of a command."""
    for placed in containers(project):
        for section, words in (("command", placed.container.argv), ("args", placed.container.args)):
            plain = ["".join(word) if all(isinstance(p, str) for p in word) else None for word in words]  # type: ignore[arg-type]
            for position, word in enumerate(plain):
                flag = _FLAG.fullmatch(word or "")
                if flag is None:
                    continue
                at = position if flag[2] is not None else position + 1
                value = flag[2] if flag[2] is not None else (plain[at] if at < len(plain) else None)
                if not value or value.startswith("-") or shape(value):
                    continue
                if names_secret(flag[1].lstrip("-"), value):
                    yield _named((*placed.path, section, at), flag[1])


def _shaped(path: Path, what: str, chars: tuple[int, int]) -> Diagnostic:
    return Diagnostic(
        code="SEC002",
        message=f"{what} stands in this file",
        at=Label(path=path, on="key" if isinstance(path[-1], str) else "value", text="keep secrets out of git"),
        help="make it invalid, declare `secrets: {NAME: {keys: [KEY]}}`, and write `${secrets.NAME.KEY}`",
    )


def _named(path: Path, name: str) -> Diagnostic:
    key = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    return Diagnostic(
        code="SEC003",
        message=f"`{name}` looks like a secret, and its value stands in this file",
        at=Label(path=path, on="key" if isinstance(path[-1], str) else "value", text="keep secrets out of git"),
        help=f"declare `secrets: {{NAME: {{keys: [{key}]}}}}`, and write `${{secrets.NAME.{key}}}`",
    )


def _undeclared(project: ir.Project) -> Iterator[Diagnostic]:
    declared = {secret.name: secret for secret in project.secrets}
    for path, name, keys in _named_whole(project):
        if not name:
            continue
        if name not in declared:
            near = closest(name, sorted(declared))
            fix = f"secrets: {{{name}: {{keys: [{', '.join(keys) or 'KEY'}]}}}}"
            yield Diagnostic(
                code="SEC005",
                message=f"there is no secret `{name}`",
                at=Label(path=path),
                help=f"did you mean `{near}`?" if near else f"declare it: `{fix}`",
            )
        elif missing := [key for key in keys if key not in declared[name].keys]:
            yield Diagnostic(
                code="SEC006",
                message=f"the secret `{name}` has no key `{missing[0]}`",
                at=Label(path=path, text=f"needs the keys {', '.join(keys)}" if keys[1:] else f"needs `{keys[0]}`"),
                related=(Label(path=("secrets", name, "keys"), text="its keys"),),
                help=f"add `{missing[0]}` to its keys, or name the secret that has it",
            )


def _named_whole(project: ir.Project) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """(path, secret, the keys that it must have) of every field that takes the name of a secret."""
    for store in project.storage:
        yield (*store.origin.path, "secret"), store.secret, ()
    for source in project.data:
        yield (*source.origin.path, "secret"), source.secret, ()
    tracking, user = project.tracking, ("username", "password")
    for section, field, name, keys in (
        ("backend_store", "secret", tracking.backend.secret, ("uri",)),
        ("registry_store", "secret", tracking.registry.secret if tracking.registry else "", ("uri",)),
        ("artifacts", "secret", tracking.artifacts.secret, ()),
        ("auth", "secret", tracking.auth.secret, user),
        ("auth", "admin", tracking.auth.admin, user),
    ):
        yield (*tracking.origin.path, section, field), name, keys
    for hook in project.catalog.webhooks:
        yield (*hook.origin.path, "secret"), hook.secret, ("secret",)
    for pipeline in project.pipelines:
        for trigger in pipeline.triggers:
            settings = dict(trigger.settings)
            path: Path = (*pipeline.origin.path, "triggers", trigger.name, "secret")
            yield path, str(settings.get("secret", "")), _trigger_keys(settings)


def _trigger_keys(settings: dict[str, ir.Json]) -> tuple[str, ...]:
    """The keys that a trigger's secret must have; the first one is taken where it is none in particular."""
    if "broker" in settings:
        return ("password",) if settings["broker"] == "redis" else ("username", "password")
    return ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if str(settings.get("uri")).startswith("s3://") else ()


def _unused(project: ir.Project) -> Iterator[Diagnostic]:
    used = {path.split(".")[1] for path in all_references(project) if path.startswith("secrets.")}
    for placed in containers(project):
        used.update(placed.container.secrets)
    used.update(storage.secret for storage in (*project.storage, project.artifacts))
    used.update(source.secret for source in project.data)
    used.update(service.expose.tls_secret for service in project.services)
    used.update(project.tracking.secrets)
    used.update(hook.secret for hook in project.catalog.webhooks)
    for _, json in json_values(project):
        used.update(strings(json))
    for secret in project.secrets:
        if secret.name not in used:
            yield Diagnostic(
                code="SEC004",
                message=f"nothing uses the secret `{secret.name}`",
                at=Label(path=("secrets", secret.name), on="key"),
                help=f"use `${{secrets.{secret.name}.{secret.keys[0]}}}` or `secret: {secret.name}`, or remove it"
                if secret.keys
                else "remove it",
                severity="warning",
            )
