"""What a run is made of: the code's digest, the installed distributions, the git revision."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

_NEVER = frozenset(
    {".git", ".mlwright", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints"}
)
_OURS = frozenset({".env", "mlproject.yaml", "mlproject.lock"})
"""Beside the spec: what they say about a step is in its document, which is part of every key anyway."""
_LIST = (
    "import json, importlib.metadata as m; "
    "print(json.dumps(sorted({f\"{d.metadata['Name']}=={d.version}\" for d in m.distributions()})))"
)


def code_digest(spec: Path, context: str, path: str) -> str:
    """sha256 over the files of `context` (a folder relative to `spec`, empty: the spec's) and the distributions that
    the programs on `path` (a PATH) see. `.dockerignore` is honoured where `context` has one."""
    folder = spec / context if context else spec
    total = hashlib.sha256()
    for name, digest in sorted(_files(spec, folder, bool(context))):
        total.update(f"{name}\0{digest}\n".encode("utf-8", "surrogateescape"))
    total.update(json.dumps(installed(path)).encode())
    return total.hexdigest()


@cache
def installed(path: str) -> tuple[str, ...]:
    """`name==version` of every distribution of the Python that `path` finds first, sorted."""
    python = shutil.which("python3", path=path) or shutil.which("python", path=path)
    if python is None:
        return ()
    if Path(python).parent == Path(sys.executable).parent:
        return tuple(sorted({f"{item.metadata['Name']}=={item.version}" for item in distributions()}))
    answer = subprocess.run([python, "-c", _LIST], capture_output=True, text=True, timeout=60, check=False)
    return tuple(json.loads(answer.stdout)) if answer.returncode == 0 else (python,)


def git_facts(spec: Path) -> dict[str, str]:
    """MLWRIGHT_GIT_REVISION and _DIRTY, or nothing where there is no git or no repository."""
    revision = _git(spec, "rev-parse", "HEAD")
    if revision is None:
        return {}
    dirty = _git(spec, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return {"MLWRIGHT_GIT_REVISION": revision, "MLWRIGHT_GIT_DIRTY": "true" if dirty else "false"}


def search_path(environ: Mapping[str, str]) -> str:
    """The PATH of every step: ours first, unless an environment of the user's own is active."""
    path = environ.get("PATH", os.defpath)
    if environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX"):
        return path
    return os.pathsep.join((str(Path(sys.executable).parent), path))


def gpus() -> int:
    """How many NVIDIA GPUs this machine has."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def _git(folder: Path, *words: str) -> str | None:
    try:
        answer = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _files(spec: Path, folder: Path, is_context: bool) -> Iterator[tuple[str, str]]:
    """(path, digest) of every file that counts; a link counts by its target's name."""
    rules = _rules(folder / ".dockerignore") if is_context else ()
    for parent, folders, files in os.walk(folder):
        base = Path(parent)
        folders[:] = sorted(name for name in folders if not _skipped(folder, base / name, is_context))
        for name in files:
            path = base / name
            relative = path.relative_to(folder).as_posix()
            if name.endswith(".pyc") or (base == spec and name in _OURS) or _ignored(relative, rules):
                continue
            if path.is_symlink():
                yield relative, f"link {path.readlink()}"
            elif path.is_file():
                with path.open("rb") as stream:
                    yield relative, hashlib.file_digest(stream, "sha256").hexdigest()


def _skipped(top: Path, folder: Path, is_context: bool) -> bool:
    """Folders that are never code: caches, virtual environments, our own state and output."""
    ours = folder.name == "manifests" and folder.parent == top and not (is_context and (top / ".dockerignore").exists())
    return ours or folder.name in _NEVER or (folder / "pyvenv.cfg").exists()


def _rules(path: Path) -> tuple[tuple[bool, re.Pattern[str]], ...]:
    """(excludes, pattern) in the file's order; the last that matches decides."""
    if not path.is_file():
        return ()
    rules = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        excludes = not text.startswith("!")
        text = text.lstrip("!").strip().strip("/").removeprefix("./")
        rules.append((excludes, re.compile(_expression(text))))
    return tuple(rules)


def _expression(pattern: str) -> str:
    """A `.dockerignore` pattern as an expression that matches the path itself and everything below it."""
    parts = []
    for part in pattern.split("/"):
        if part == "**":
            parts.append("(?:.*/)?")
        else:
            text = fnmatch.translate(part).removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
            parts.append(text.replace(".*", "[^/]*") + "/")
    return "^" + "".join(parts).removesuffix("/") + "(?:/.*)?$"


def _ignored(path: str, rules: tuple[tuple[bool, re.Pattern[str]], ...]) -> bool:
    ignored = False
    for excludes, pattern in rules:
        if excludes != ignored and pattern.match(path):
            ignored = excludes
    return ignored
