"""What git is told to leave alone."""

from __future__ import annotations

import os

from mlwright.gitops import git


def is_ignored(path: str) -> bool:
    """Whether git ignores `path`, which need not exist; False where there is no git or no repository."""
    folder = os.path.dirname(path) or "."
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder) or "."
    try:
        done = git.attempt(folder, "check-ignore", "--quiet", "--no-index", "--", os.path.abspath(path))
    except git.GitError:
        return False
    return done.returncode == 0
