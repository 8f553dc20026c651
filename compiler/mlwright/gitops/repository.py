"""A repository: which commits people mean, and what changed between them."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType

from mlwright.gitops import git
from mlwright.gitops.affected import upwards
from mlwright.gitops.git import GitError
from mlwright.gitops.lfs import Store, WorkingTree
from mlwright.gitops.objects import ObjectMissing, Objects
from mlwright.gitops.tree import Revision
from mlwright.record import dataclass

_DEFAULTS = ("origin/main", "origin/master", "main", "master")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is compared: `base` and `head` as people call them, and their commits (`to` is "" for the working tree).
    `since` is the commit that `head` left `base` at: what came into `base` later is not part of the change. `notes`
    say how these were chosen."""

    base: str
    head: str
    since: str
    to: str
    notes: tuple[str, ...] = ()


class Repository:
    """The repository that `folder` is in. Raises GitError where there is none that git reads. To be closed, or used
    with `with`."""

    def __init__(self, folder: str) -> None:
        words = ("--is-bare-repository", "--is-shallow-repository", "--git-common-dir", "--show-toplevel")
        done = git.attempt(folder, "rev-parse", *words)
        found = os.fsdecode(done.stdout).split("\n")
        bare = found[0] == "true"
        if done.returncode and not bare:
            raise GitError(git.explained(folder, done.stderr))
        self.bare = bare
        self.shallow = found[1] == "true"
        self.folder = os.path.abspath(folder)
        self.top = self.folder if bare else found[3]
        self._store = Store(os.path.join(self.folder, found[2], "lfs", "objects"))
        self._objects = Objects(self.folder)

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._objects.close()

    def compare(self, base: str = "", head: str = "") -> Comparison:
        """What `base` (default: the default branch) and `head` (default: the working tree) mean. Raises GitError."""
        notes: list[str] = []
        if not head and self.bare:
            raise GitError("a bare repository has no working tree: name the revision to look at with --head")
        to = self._commit(head or "HEAD")
        if not base:
            base = self._default()
            notes.append(f"base: {base}" + ("" if base != "HEAD" else ", the last commit: no default branch is known"))
        start = self._commit(base)
        since = start if start == to else git.ask(self.folder, "merge-base", start, to)
        if not since and self.shallow:
            raise GitError(f"where {head or 'HEAD'} left {base} is not in this shallow clone: {_DEEPEN}")
        if not since:
            notes.append(f"{base} and {head or 'HEAD'} have no commit in common: compared with {base} itself")
            since = start
        elif since != start:
            notes.append(
                f"compared with {since[:10]}, where {head or 'HEAD'} left {base}: what {base} got since is left out"
            )
        return Comparison(base=base, head=head, since=since, to=to if head else "", notes=tuple(notes))

    def revision(self, commit: str, name: str, root: str) -> Revision:
        """The files of a commit, by their paths from `root`."""
        return Revision(self._objects, commit, name=name, top=self.top, root=root, store=self._store)

    def working_tree(self, root: str) -> WorkingTree:
        """The files that are there now, by their paths from `root`."""
        return WorkingTree(root, self._store)

    def changed(self, since: str, to: str = "") -> list[str]:
        """Paths from the repository's top that differ between two commits, or between one and the working tree, where
        new files count unless they are ignored; and links that lead to them. Raises GitError."""
        words = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
        still = ("-c", "diff.autoRefreshIndex=false")  # else git notes in its index what has not changed
        said = git.run(self.top, *still, "diff", *words, "--no-relative", since, *((to,) if to else ()), "--")
        if not to:
            said += git.run(self.top, "ls-files", "-z", "--others", "--exclude-standard")
        found = set(_split(said))
        if not to:
            before = self.revision(since, since, self.top)
            found = {path for path in found if before.id(path) != self._id(path, len(since))}
        if found:
            around = {above for path in found for above in upwards(path)}
            found.update(link for link, target in self._links(to) if target in around)
        return sorted(found)

    def _id(self, path: str, digits: int) -> str:
        """What git would call the file's content as it is now; empty where there is none, "?" where it is no file."""
        full = os.path.join(self.top, path)
        try:
            if os.path.islink(full) or not os.path.isfile(full):
                return "?" if os.path.lexists(full) else ""
            with open(full, "rb") as stream:
                data = stream.read()
        except OSError:
            return "?"
        digest = hashlib.sha1 if digits == 40 else hashlib.sha256
        return digest(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

    def _links(self, commit: str) -> Iterator[tuple[str, str]]:
        """Symbolic links, and where they lead, as paths from the top."""
        words = ("ls-tree", "-r", "-z", "--full-tree", commit) if commit else ("ls-files", "-s", "-z")
        for line in git.run(self.top, *words).split(b"\0"):
            if line.startswith(b"120000 "):
                about, _, name = line.partition(b"\t")
                path = os.fsdecode(name)
                object_id = about.split()[2 if commit else 1].decode("ascii")
                with suppress(ObjectMissing):
                    target = os.fsdecode(self._objects.blob(object_id))
                    yield path, posixpath.normpath(posixpath.join(posixpath.dirname(path), target))

    def _commit(self, name: str) -> str:
        """The commit that people call so. Raises GitError with what may have been meant."""
        if name.startswith("-") or ".." in name or not name.strip():
            raise GitError(f"{name!r} is not one revision: name a branch, a tag or a commit")
        found = git.ask(self.folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found:
            return found
        if name == "HEAD":
            raise GitError("there is no commit yet: nothing to compare with")
        raise GitError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        from mlwright.source.suggest import closest

        said = git.ask(
            self.folder, "for-each-ref", "--format=%(refname:short)", "--sort=-committerdate", "--count=2000"
        )
        known = [line for line in said.split("\n") if line]
        near = f"origin/{name}" if f"origin/{name}" in known else closest(name, known)
        if near:
            return f"there is no revision {name!r} here: did you mean {near!r}?"
        if self.shallow:
            return f"there is no revision {name!r} in this shallow clone: {_DEEPEN}"
        return f"there is no revision {name!r} here: fetch it with `git fetch origin {name}`, or name another one"

    def _default(self) -> str:
        upstream = git.ask(self.folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
        known = git.ask(
            self.folder, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/remotes/origin", "refs/heads"
        ).split("\n")
        return next((name for name in (upstream, *_DEFAULTS) if name and name in known), "HEAD")


def _split(said: bytes) -> Iterator[str]:
    return (os.fsdecode(path) for path in said.split(b"\0") if path)


_DEEPEN = (
    "fetch its history (`fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` in GitLab CI, else "
    "`git fetch --unshallow`, or `git fetch --deepen=100` until it is there)"
)
