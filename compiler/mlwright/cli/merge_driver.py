"""`mlwright merge-driver`: let git write output anew where a merge would leave it in conflict."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path

from mlwright.cli import exits, terminal

_USAGE = "say `install` or `uninstall`; git itself says %O %A %B %P"


def configure(parser: argparse.ArgumentParser) -> None:
    """What to do, or what git asks."""
    parser.add_argument(
        "words",
        metavar="WORD",
        nargs="*",
        help="install or uninstall, in this repository; or, as git calls it: %%O %%A %%B %%P and up to three labels",
    )
    parser.add_argument("--print", action="store_true", help="say what would be done, and do nothing")


def execute(args: argparse.Namespace) -> int:
    """Exit 0 done (as driver: merged), 1 left in conflict, 2 where there is no repository or no such request."""
    from mlwright.gitops.git import GitError

    words = args.words
    try:
        if words in (["install"], ["uninstall"]):
            return _set(args.print, remove=words == ["uninstall"])
        if 4 <= len(words) <= 7 and not args.print:
            return _drive(words)
    except GitError as problem:
        terminal.warn(f"mlwright merge-driver: {problem}")
        return exits.USAGE
    except OSError as problem:
        terminal.warn(f"mlwright merge-driver: {problem.filename}: {problem.strerror}")
        return exits.USAGE
    terminal.warn(f"mlwright merge-driver: {_USAGE}")
    return exits.USAGE


def _drive(words: list[str]) -> int:
    from mlwright.emit import index
    from mlwright.gitops.merges import Question
    from mlwright.review.staleness import driver

    base, ours, theirs, path = words[:4]
    question = Question(
        path=path,
        base=Path(base).read_bytes(),
        ours=Path(ours).read_bytes(),
        theirs=Path(theirs).read_bytes(),
        labels=tuple(words[4:]),
    )
    found = driver.answer(".", question, driver.environment())
    Path(ours).write_bytes(found.data)
    if found.why and os.path.basename(path) == index.NAME:  # once for each output, not for each file
        terminal.warn(f"mlwright: {path}: {found.why}")
    return exits.CLEAN if found.clean else exits.FINDINGS


def _set(only_say: bool, *, remove: bool) -> int:
    from mlwright.gitops import driver as config
    from mlwright.gitops.repository import Repository
    from mlwright.review.staleness import driver

    with Repository(".") as repository:
        top = repository.top
    file = Path(top, ".gitattributes")
    before = file.read_bytes().decode("utf-8", "surrogateescape") if file.exists() else ""
    after = driver.attributes(before, remove=remove)
    command = "mlwright" if shutil.which("mlwright") else f"{shlex.quote(sys.executable)} -m mlwright"
    if only_say:
        for line in driver.LINES:
            terminal.say(f".gitattributes: {line}")
        for key, text in config.settings(command).items():
            terminal.say(f"git config {key} {shlex.quote(text)}")
        return exits.CLEAN
    done = []
    if after != before:
        if after:
            file.write_bytes(after.encode("utf-8", "surrogateescape"))
        else:
            file.unlink()
        done.append(f".gitattributes: {'lines removed' if remove else driver.LINES[-1]}")
    if remove:
        done += ["git config: section merge.mlwright removed"] if config.forget(top) else []
    else:
        done += [f"git config {key} {shlex.quote(text)}" for key, text in config.configure(top, command).items()]
    terminal.say("\n".join(done) or "nothing to change")
    if not remove and done:
        terminal.say("Commit .gitattributes. Every clone needs `mlwright merge-driver install` once.")
    return exits.CLEAN
