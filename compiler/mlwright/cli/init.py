"""`mlwright init`: a small project that compiles and runs as it is."""

from __future__ import annotations

import argparse
import re
from importlib import resources
from pathlib import Path

from mlwright.cli import exits, terminal

TEMPLATES = {
    "sklearn": "train, gate, register and serve a scikit-learn model",
    "minimal": "one program, one metric, one gate, nothing but Python",
}
"""Folders of `mlwright/templates`; the first is the default. `template` in a project file is the project's name."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The folder and the template."""
    default = next(iter(TEMPLATES))
    listed = "; ".join(f"{name}: {what}" for name, what in TEMPLATES.items())
    parser.add_argument("folder", metavar="DIR", nargs="?", default=".", help="made where missing (default: here)")
    parser.add_argument("--template", choices=tuple(TEMPLATES), default=default, help=f"default: {default}. {listed}")


def execute(args: argparse.Namespace) -> int:
    """Exit 0, or 2 where a file would be overwritten or cannot be written; then nothing is."""
    folder = Path(args.folder)
    files = contents(args.template, project_name(folder.resolve().name))
    taken = [name for name in files if (folder / name).exists() and name != ".gitignore"]
    if taken:
        terminal.warn(f"mlwright init: {folder / taken[0]} exists: choose another folder, `mlwright init NAME`")
        return exits.USAGE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            if not (folder / name).exists():
                (folder / name).write_text(text, encoding="utf-8")
    except OSError as problem:
        terminal.warn(f"mlwright init: cannot write {problem.filename or folder}: {problem.strerror}")
        return exits.USAGE
    enter = "" if args.folder == "." else f"cd {args.folder}\n  "
    terminal.say(f"wrote {', '.join(files)}\n\n  {enter}mlwright validate\n  mlwright run")
    return exits.CLEAN


def contents(template: str, name: str) -> dict[str, str]:
    """The files of a template by name, for a project called `name`."""
    found = {}
    for file in sorted(
        resources.files("mlwright").joinpath("templates", template).iterdir(), key=lambda item: item.name
    ):
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            if file.name == "mlproject.yaml":
                text = re.sub(r"\btemplate\b", name, text)
            # A file called .gitignore here would hide files of this very package.
            found[file.name.replace("gitignore", ".gitignore")] = text
    return found


def project_name(folder: str) -> str:
    """The nearest name that a project may have: lower case, digits and dashes, a letter first."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.lower()).lstrip("0123456789-")[:30].rstrip("-")
    return name or "project"
