"""Brings to a clone what a comparison needs: CI checks out one commit, and the other side is not there yet."""

from __future__ import annotations

import os

from mlwright.gitops import git
from mlwright.regex import lazy

STEPS = (50, 250, 1000)
"""Commits by which a shallow clone is made deeper, one after the other, before all of it is fetched."""
DEEPEN = "check out with `fetch-depth: 0`"
_NAME = lazy(r"(?![-/.])[^\s:^~?*\[\\+\x00-\x1f]{1,250}")


def base(folder: str, name: str, remote: str = "origin") -> str:
    """The commit that `name` (a commit, branch or tag) means, with the commit where HEAD left it, for the repository of
    `folder`. Both are fetched from `remote` where they are missing. Raises GitError, which says what to do."""
    if not _NAME.fullmatch(name) or ".." in name or "@{" in name:
        raise git.GitError(f"{name!r} is not one revision: name a branch, a tag or a commit")
    head = _commit(folder, "HEAD")
    if not head:
        done = git.attempt(folder, "rev-parse", "--verify", "HEAD")
        raise git.GitError(git.explained(folder, done.stderr))
    found = _commit(folder, name) or _commit(folder, f"refs/remotes/{remote}/{name}") or _fetched(folder, name, remote)
    _deepen(folder, found, head, remote)
    return found


def _commit(folder: str, name: str) -> str:
    return git.ask(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def _fetched(folder: str, name: str, remote: str) -> str:
    depth = ("--depth=1",) if _shallow(folder) else ()
    done = _fetch(folder, *depth, remote, name)
    found = _commit(folder, "FETCH_HEAD") if done == "" else ""
    if not found:
        raise git.GitError(f"{name} is not in this clone and cannot be fetched from {remote} ({done}): {DEEPEN}")
    return found


def _deepen(folder: str, base: str, head: str, remote: str) -> None:
    """Fetch until there is a commit that both have behind them, or there is no more to fetch."""
    said = ""
    for step in (*(f"--deepen={count}" for count in STEPS), "--unshallow"):
        if git.ask(folder, "merge-base", base, head) or not _shallow(folder):
            return
        # A server may refuse to be asked for a commit by its name: then its branches are made deeper.
        said = _fetch(folder, step, remote, base, head) and _fetch(folder, step, remote)
    if _shallow(folder) and not git.ask(folder, "merge-base", base, head):
        why = f" ({said})" if said else ""
        raise git.GitError(
            f"where HEAD left {base[:10]} is not in this shallow clone and cannot be fetched{why}: {DEEPEN}"
        )


def _shallow(folder: str) -> bool:
    return git.ask(folder, "rev-parse", "--is-shallow-repository") == "true"


def _fetch(folder: str, *words: str) -> str:
    """Empty, or why git did not fetch."""
    done = git.attempt(folder, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *words)
    if not done.returncode:
        return ""
    said = os.fsdecode(done.stderr).strip().splitlines()
    first = [line for line in said if line.startswith(("fatal:", "error:"))] or said or ["git said nothing"]
    return first[0].removeprefix("fatal: ").removeprefix("error: ")
