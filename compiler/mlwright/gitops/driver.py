"""The merge driver in a repository's own configuration: the one thing that is written there."""

from __future__ import annotations

from mlwright.gitops import git

SECTION = "merge.mlwright"


def configure(folder: str, command: str) -> dict[str, str]:
    """Set the driver; what was set anew, by its name. Raises GitError."""
    wanted = settings(command)
    changed = {key: text for key, text in wanted.items() if git.ask(folder, "config", "--local", "--get", key) != text}
    for key, text in changed.items():
        git.run(folder, "config", "--local", key, text)
    return changed


def settings(command: str) -> dict[str, str]:
    """What is set. For a merge of several bases git first merges these: there, ours does."""
    return {
        f"{SECTION}.name": "output of mlwright, written anew",
        f"{SECTION}.driver": f"{command} merge-driver %O %A %B %P %S %X %Y",
        f"{SECTION}.recursive": "binary",
    }


def forget(folder: str) -> bool:
    """Remove the driver; whether there was one. Raises GitError."""
    there = bool(git.ask(folder, "config", "--local", "--get", f"{SECTION}.driver"))
    if there:
        git.run(folder, "config", "--local", "--remove-section", SECTION)
    return there
