"""Compose files of the user's own beside ours: checked, labelled, and included with the folder that they came from."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.ir import Origin, Project
from mlwright.span import Path
from mlwright.target import AddedFile, Document, EmitContext, Joined, TextFile

MAIN = "compose.yaml"
NAMED = ("services", "networks", "volumes", "configs", "secrets", "models")
"""Sections in which a name can be defined once only."""
_OURS = {
    "name": "the project's name finds its containers and volumes again",
    "version": "Compose has no use for it any more",
    "include": "every file is listed under `objects`, so that each is looked at",
}
_MADE = ("image", "build", "extends", "provider")


_Names = dict[tuple[str, str], Label]
"""Where each name of each section is defined: in the specification, or in a file that was added before."""


def join(
    files: Sequence[AddedFile], emitted: Sequence[Document | TextFile], project: Project, context: EmitContext
) -> Joined:
    """`emitted` with the added files, labelled, and `compose.yaml` including them. PATCH012 not a Compose file,
    PATCH013 what is ours to say, PATCH014 a name that is defined twice."""
    main = next(item for item in emitted if isinstance(item, Document) and item.path == MAIN)
    names, bag = _taken(main), Bag()
    for file in files:
        bag.extend(_check(file, names))
    if bag.failed:
        return Joined(items=tuple(emitted), findings=bag)
    joined = tuple(_including(main, files, context) if item is main else item for item in emitted)
    return Joined(items=(*joined, *(_document(file, project) for file in files)), findings=bag)


def _taken(main: Document) -> _Names:
    names: _Names = {}
    for section in NAMED:
        for name in main.data.get(section) or ():
            origin = main.origins.get((section, name)) or main.origins.get((section,))
            names[section, name] = Label(path=origin.path if origin else (), on="key", text="became one of this name")
    return names


def _check(file: AddedFile, names: _Names) -> Iterator[Diagnostic]:
    for key, value in file.data.items():
        if key in _OURS:
            yield _problem(
                "PATCH013", file, (key,), f"`{key}` is not for an added file to say: {_OURS[key]}", "remove it"
            )
        elif key in NAMED:
            yield from _section(file, key, value, names)
        elif not key.startswith("x-"):
            known = ", ".join(NAMED)
            yield _problem("PATCH012", file, (key,), f"a Compose file has no section `{key}`", f"its sections: {known}")


def _section(file: AddedFile, section: str, value: Any, names: _Names) -> Iterator[Diagnostic]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield _problem(
            "PATCH012", file, (section,), f"`{section}` must map names to definitions", "write `NAME: {...}`"
        )
        return
    for name, body in value.items():
        label = Label(path=(section, name), on="key")
        here = replace(label, span=file.find(label))
        first = names.setdefault((section, name), replace(here, text="the first"))
        if first.span != here.span or first.span is None:
            yield Diagnostic(
                code="PATCH014",
                message=f"there are two {section} called `{name}`",
                at=replace(here, text="defined again"),
                related=(first,),
                help="give this one another name",
            )
        if section == "services":
            yield from _service(file, name, body)


def _service(file: AddedFile, name: str, body: Any) -> Iterator[Diagnostic]:
    path = ("services", name)
    if not isinstance(body, dict) or not any(key in body for key in _MADE):
        yield _problem(
            "PATCH012", file, path, f"the service `{name}` has neither `image` nor `build`", "say what it runs"
        )
        return
    labels = body.get("labels")
    if labels is not None and not isinstance(labels, (dict, list)):
        yield _problem("PATCH012", file, (*path, "labels"), "`labels` is a mapping or a list", "write `NAME: text`")
        return
    for position, label in enumerate(labels or ()):
        if str(label).startswith("mlwright."):
            at: Path = (*path, "labels", position if isinstance(labels, list) else label)
            message = f"`{str(label).partition('=')[0]}` says what mlwright made"
            yield _problem("PATCH013", file, at, message, "remove it, or choose a name of your own")


def _problem(code: str, file: AddedFile, path: Path, message: str, help: str) -> Diagnostic:
    label = Label(path=path, on="key" if isinstance(path[-1], str) else "value")
    return Diagnostic(code=code, message=message, at=replace(label, span=file.find(label)), help=help)


def _place(file: AddedFile) -> str:
    return f"objects/{file.objects}/{posixpath.basename(file.path)}"


def _including(main: Document, files: Sequence[AddedFile], context: EmitContext) -> Document:
    """`compose.yaml` with an entry for each file; relative paths in it mean what they meant where it came from."""
    present: list[Any] = list(main.data.get("include") or ())
    origins = dict(main.origins)
    for file in files:
        folder = posixpath.normpath(posixpath.join(context.spec_folder, posixpath.dirname(file.path)))
        folder = folder if folder.startswith(("..", "/")) else f"./{folder}"
        origins["include", len(present)] = replace(file.origin, path=(*file.origin.path, "path"))
        present.append({"path": f"./{_place(file)}", "project_directory": folder})
    data: dict[str, Any] = {}
    for key, value in main.data.items():
        if key != "include":
            data[key] = value
        if key == "name":
            data["include"] = present
    return replace(main, data=data, origins=origins)


def _document(file: AddedFile, project: Project) -> Document:
    """The file with our labels on each service, which say what a container is."""
    own = {
        "mlwright.project": project.name,
        "mlwright.environment": project.environment.name,
        "mlwright.node": f"objects.{file.objects}",
    }
    data = dict(file.data)
    origins: dict[Path, Origin] = {(): file.origin}
    services: dict[str, Any] = {}
    for name, body in (file.data.get("services") or {}).items():
        services[name] = {**body, "labels": _labelled(body.get("labels"), own)}
        for position, label in enumerate(services[name]["labels"]):
            key = position if isinstance(services[name]["labels"], list) else label
            if str(label).startswith("mlwright."):
                origins["services", name, "labels", key] = Origin(path=file.origin.path, kind="derived", by="compose")
    if services:
        data["services"] = services
    header = f"From {file.path}, with labels: change it there."
    return Document(path=_place(file), data=data, origins=origins, header=header)


def _labelled(labels: Any, own: Mapping[str, str]) -> Any:
    if isinstance(labels, list):
        return [*labels, *(f"{name}={text}" for name, text in own.items())]
    return {**(labels or {}), **own}
