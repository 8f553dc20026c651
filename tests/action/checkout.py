"""Real git histories on a real remote, and checkouts of them as actions/checkout makes them: one commit deep."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ZERO = "0" * 40
_PLAIN = (
    "-c",
    "user.name=t",
    "-c",
    "user.email=t@example.com",
    "-c",
    "init.defaultBranch=main",
    "-c",
    "core.hooksPath=/",
)


def git(folder: Path, *words: str) -> str:
    """What git prints in `folder`."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *_PLAIN, *words], cwd=folder, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Remote:
    """A hosted repository with a branch `main`, and somebody's clone that pushes to it."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "remote.git", folder / "work"
        self.bare.mkdir(parents=True)
        git(self.bare, "init", "--bare", "--quiet")
        git(self.bare, "config", "uploadpack.allowAnySHA1InWant", "true")  # as GitHub has it
        self.work.mkdir()
        git(self.work, "init", "--quiet")
        git(self.work, "remote", "add", "origin", self.url)

    @property
    def url(self) -> str:
        """Its address; not a path, so that a clone can be shallow."""
        return f"file://{self.bare}"

    def commit(self, files: Mapping[str, str | None], message: str = "change") -> str:
        """The next commit of the branch at hand; None removes a file."""
        for name, text in files.items():
            path = self.work / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(self.work, "rev-parse", "HEAD")

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Go on with another branch."""
        git(self.work, "checkout", "--quiet", "-B", name, start)

    def push(self, *refs: str) -> None:
        """Let the remote have it."""
        git(self.work, "push", "--quiet", "--force", "origin", *refs)

    def merge(self, number: int, base: str, head: str) -> str:
        """What GitHub makes of a pull request: the merge commit that workflows see."""
        git(self.work, "checkout", "--quiet", "--detach", base)
        git(self.work, "merge", "--quiet", "--no-ff", "--message", "merge", head)
        made = git(self.work, "rev-parse", "HEAD")
        self.push(f"{made}:refs/pull/{number}/merge")
        return made

    def checkout(self, folder: Path, commit: str, *, depth: int = 1) -> Path:
        """A checkout of one commit, with `depth` commits (0: all of them)."""
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet")
        git(folder, "remote", "add", "origin", self.url)
        limits = [f"--depth={depth}"] if depth else []
        git(folder, "fetch", "--quiet", "--no-tags", *limits, "origin", commit)
        git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        return folder


def pull_request(base: str, head: str, *, number: int = 7, fork: bool = False) -> dict[str, Any]:
    """The payload, as far as it matters."""
    return {
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "base": {"sha": base, "ref": "main", "repo": {"full_name": "acme/churn"}},
            "head": {"sha": head, "ref": "topic", "repo": {"full_name": "eve/churn" if fork else "acme/churn"}},
        },
        "repository": {"full_name": "acme/churn", "default_branch": "main"},
    }


def push(before: str, after: str, ref: str = "refs/heads/main") -> dict[str, Any]:
    """The payload, as far as it matters."""
    return {"ref": ref, "before": before, "after": after, "repository": {"default_branch": "main"}}
