"""The `git` program: started with nothing of the user's that could change what it says, its refusals explained."""

from __future__ import annotations

import os
import subprocess

_PLAIN = ("--no-pager", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false", "-c", "color.ui=false")

_HOOKS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})


class GitError(Exception):
    """git cannot do what was asked; the text says why and what to type instead."""


def command(folder: str, *words: str) -> list[str]:
    """The command line of git in `folder`."""
    return ["git", *_PLAIN, "-C", folder, *words]


def environment() -> dict[str, str]:
    """The environment of every git: it takes no locks, asks nothing, and speaks English, which is what is read here.
    What a hook says of its repository is left out: it is said from the hook's folder."""
    kept = {name: text for name, text in os.environ.items() if name not in _HOOKS}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "LANGUAGE": "C"}


def run(folder: str, *words: str) -> bytes:
    """What git prints. Raises GitError where it fails."""
    done = attempt(folder, *words)
    if done.returncode:
        raise GitError(explained(folder, done.stderr))
    return done.stdout


def ask(folder: str, *words: str) -> str:
    """What git prints as one line; empty where it fails, which here is an answer too."""
    done = attempt(folder, *words)
    return "" if done.returncode else os.fsdecode(done.stdout).rstrip("\n")


def attempt(folder: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """git, come to its end in whatever way. Raises GitError where there is no git."""
    try:
        return subprocess.run(command(folder, *words), capture_output=True, check=False, env=environment())
    except FileNotFoundError:
        raise missing() from None
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror or error}") from error


def missing() -> GitError:
    """There is no git."""
    return GitError("git is not on PATH: revisions are read with it, so install git (2.25 or newer)")


def explained(folder: str, stderr: bytes) -> str:
    """A refusal of git in words that help."""
    said = stderr.decode("utf-8", "replace").strip()
    if "dubious ownership" in said or "unsafe repository" in said:
        place = os.path.realpath(folder)
        return (
            f"git does not read {place}, which belongs to another user: allow it with "
            f"`git config --global --add safe.directory {_top(said) or place}`"
        )
    if "not a git repository" in said:
        return f"{os.path.abspath(folder)} is in no git repository: a revision to compare with needs one"
    last = [line for line in said.splitlines() if line.startswith(("fatal:", "error:"))] or said.splitlines()
    return f"git says: {last[0].removeprefix('fatal: ')}" if last else "git failed and did not say why"


def _top(said: str) -> str:
    """The folder that git names between quotes."""
    first, _, rest = said.partition("repository at '")
    return rest.partition("'")[0] if rest and first is not said else ""
