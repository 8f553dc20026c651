"""The part of `make bench` about `mlwright diff`: two revisions compiled and compared, in cold processes.

One project of 60 objects with a changed step; then a thousand projects in one repository, of which one has changed:
the others are found not to be affected without compiling them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cluster  # beside this file

PROJECTS = 1000
ROUNDS = 10
SHARED = "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: kubernetes\nkubernetes: '1.30'\n"


def show(work: Path) -> None:
    """Print both figures with what they may be at most."""
    print(f"\nmlwright diff, cold, median of {ROUNDS}\n{'':<44} {'ms':>7} {'cpu ms':>7} {'at most':>8}")
    fixed, each = cluster.shape(work)
    one = work / "one"
    cluster.write(one, max(1, round((60 - fixed) / each)))
    commit(one)
    change(one / "mlproject.yaml")
    line("a project of 60 objects, a step changed", one, 400, "mlproject.yaml")
    many = work / "many"
    for number in range(PROJECTS):
        folder = many / "projects" / f"p{number:04}"
        cluster.write(folder, 1)
        text = (folder / "mlproject.yaml").read_text().replace("platform: kubernetes", "platform: ../../shared.yaml")
        (folder / "mlproject.yaml").write_text(text)
    (many / "shared.yaml").write_text(SHARED)
    commit(many)
    change(many / "projects" / "p0500" / "mlproject.yaml")
    line(f"one of {PROJECTS} projects changed", many, 2000, ".")


def line(name: str, folder: Path, most: int, path: str) -> None:
    here = Path.cwd()
    os.chdir(folder)
    try:
        taken = [cluster.once(cluster.MLWRIGHT, "diff", path, "--base", "HEAD") for _ in range(ROUNDS + 1)][1:]
    finally:
        os.chdir(here)
    spent = cluster.median(taken)
    verdict = "yes" if spent.clock * 1000 <= most else "NO"
    print(f"{name:<44} {spent.clock * 1000:>7.0f} {spent.processor * 1000:>7.0f} {most:>5} {verdict}", flush=True)


def change(spec: Path) -> None:
    text = spec.read_text()
    spec.write_text(text.replace("python, make.py,", "python, make.py, --fast,", 1))
    assert spec.read_text() != text


def commit(folder: Path) -> None:
    said = ("user.name=bench", "user.email=bench@example.com", "commit.gpgsign=false", "core.hooksPath=/dev/null")
    options = [word for setting in said for word in ("-c", setting)]
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "bench")):
        subprocess.run(["git", "-C", str(folder), *options, *words], check=True, capture_output=True)


if __name__ == "__main__":
    import tempfile

    if not shutil.which("git"):
        sys.exit("git is not installed")
    with tempfile.TemporaryDirectory(prefix=".bench-") as place:
        show(Path(place))
