"""Real repositories for tests, made with the real git and nothing of the machine's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SAID = ("user.name=Test", "user.email=test@example.com", "init.defaultBranch=main", "commit.gpgsign=false")
_SAID_ALSO = ("protocol.file.allow=always", "core.symlinks=true", "core.hooksPath=/dev/null")


def git(folder: Path, *words: str) -> str:
    """What git says in `folder`. Raises CalledProcessError with what it complained of."""
    options = [word for setting in (*_SAID, *_SAID_ALSO) for word in ("-c", setting)]
    command = ["git", *options, "-C", str(folder), *words]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise AssertionError(f"git {' '.join(words)}: {done.stderr}")
    return done.stdout.strip()


def write(folder: Path, files: dict[str, str | bytes | None]) -> None:
    """Write files, by path; None removes one."""
    for path, content in files.items():
        file = folder / path
        if content is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)


def commit(folder: Path, files: dict[str, str | bytes | None] | None = None, message: str = "change") -> str:
    """Commit everything in `folder`, `files` written before; a new repository where there is none. The commit's id."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "-q")
    write(folder, files or {})
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")
