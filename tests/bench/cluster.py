"""The part of `make bench` about Kubernetes output: our compile beside `kubectl kustomize` of what it wrote.

Projects are made up, from 60 objects to 30,000. Both programs are cold processes, run in turns in one round; ours
starts without an output folder, so that it writes every file. What an earlier round wrote is moved aside and stays
until the end: where many files have just been deleted, ext4 takes up to ten times as long to make new ones.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MLWRIGHT = str(Path(sys.executable).parent / "mlwright")
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
HEAD = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: large}
defaults:
  steps: {image: ghcr.io/acme/large:1.0.0, resources: {cpu: 1, memory: 1Gi}}
  serving: {image: ghcr.io/acme/large:1.0.0, resources: {cpu: 1, memory: 1Gi}}
params: {rate: 0.1}
tracking: {server: {type: external, url: "https://mlflow.example.com"}}
environments: {prod: {platform: kubernetes}}
"""
SERVICES = 4
"""Endpoints of one unit, beside two steps and a pipeline that runs these on a schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """About how many objects, how many rounds, how many times as fast as kustomize we must be, and how often we run in
    a round: where kustomize takes half a minute, one short run would meet another machine than it does."""

    objects: int
    rounds: int
    faster: float
    runs: int = 1
    kustomize: bool = True


GOALS = (
    Goal(objects=60, rounds=10, faster=1 / 3),
    Goal(objects=600, rounds=5, faster=2),
    Goal(objects=3000, rounds=4, faster=30, runs=4),
    Goal(objects=30000, rounds=1, faster=0, kustomize=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds that processes took: by the clock, and of the processors, which other work on the machine delays less."""

    clock: float
    processor: float


def show(work: Path) -> None:
    """Print the figures; without `kubectl` only our own."""
    peer = bool(shutil.which("kubectl"))
    print("\nKubernetes objects, medians" + ("" if peer else "; kubectl is not installed: nothing to compare with"))
    print(f"{'':>8} {'mlwright compile':>27} {'kubectl kustomize':>20} {'times as fast':>17}")
    print(f"{'objects':>8} {'ms':>9} {'ms each':>8} {'cpu ms':>8}", end="")
    print(f" {'ms':>11} {'cpu ms':>8} {'clock':>8} {'cpu':>8} {'at least':>12}")
    fixed, each = shape(work)
    for goal in GOALS:
        folder = work / f"objects-{goal.objects}"
        write(folder, max(1, round((goal.objects - fixed) / each)))
        compared = peer and goal.kustomize
        ours, theirs = measure(folder, goal, compared)
        count = sum(1 for _ in objects(folder))
        line = f"{count:>8} {ours.clock * 1000:>9.0f} {ours.clock / count * 1000:>8.2f} {ours.processor * 1000:>8.0f}"
        if compared:
            ratio = theirs.clock / ours.clock
            verdict = "yes" if ratio >= goal.faster else "NO"
            line += f" {theirs.clock * 1000:>11.0f} {theirs.processor * 1000:>8.0f}"
            line += f" {ratio:>8.1f} {theirs.processor / ours.processor:>8.1f} {goal.faster:>7.2g} {verdict:>4}"
        print(line, flush=True)


def measure(folder: Path, goal: Goal, compared: bool) -> tuple[Spent, Spent]:
    """Medians of a compile of the project in `folder`, and of `kubectl kustomize` of its output."""
    ours, theirs = [], []
    for turn in range(goal.rounds):
        for run in range(goal.runs + (turn == 0 and goal.rounds > 1)):  # one more at the beginning fills the caches
            if turn or run:
                (folder / "manifests").rename(folder / f".{turn}-{run}")
            ours.append(once(MLWRIGHT, "compile", str(folder)))
        if compared:
            theirs.append(once("kubectl", "kustomize", str(folder / "manifests" / "prod")))
    ours = ours[goal.rounds > 1 :]
    return median(ours), median(theirs or ours)


def median(spent: list[Spent]) -> Spent:
    return Spent(
        clock=statistics.median(one.clock for one in spent), processor=statistics.median(one.processor for one in spent)
    )


def once(*command: str) -> Spent:
    """What one process takes; a failure ends the bench."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT
    )
    clock, after = time.perf_counter() - start, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(command)} exited {done.returncode}\n{done.stderr[-2000:]}")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(clock=clock, processor=processor)


def shape(work: Path) -> tuple[float, float]:
    """How many objects a project has beside its units, and a unit: counted with one unit and with three."""
    counted = []
    for number in (1, 3):
        folder = work / f"units-{number}"
        write(folder, number)
        once(MLWRIGHT, "compile", str(folder))
        counted.append(sum(1 for _ in objects(folder)))
    each = (counted[1] - counted[0]) / 2
    return counted[0] - each, each


def objects(folder: Path) -> Iterator[Path]:
    """The files of Kubernetes objects in a project's output."""
    for path in (folder / "manifests" / "prod").rglob("*.yaml"):
        if path.name != "kustomization.yaml" and "kustomize" not in path.parts:
            yield path


def write(folder: Path, count: int) -> None:
    """A project of so many units: two steps, a pipeline on a schedule, and endpoints that scale."""
    steps, serving, pipelines = ["steps:"], ["serving:"], ["pipelines:"]
    for unit in range(count):
        steps += [
            (
                f'  make-{unit}: {{command: [python, make.py, "${{params.rate}}", "${{outputs.table}}"],'
                " outputs: {table: {type: file}}}"
            ),
            f'  use-{unit}: {{command: [python, use.py, "${{steps.make-{unit}.outputs.table}}"]}}',
        ]
        serving += [
            f'  serve-{unit}-{number}: {{command: [python, serve.py, "{number}"], port: 8080,'
            " replicas: {min: 2, max: 5, target: {cpu: 70}}}"
            for number in range(SERVICES)
        ]
        pipelines.append(f'  run-{unit}: {{run: [steps.use-{unit}], schedule: "{unit % 60} 3 * * *"}}')
    folder.mkdir(parents=True)
    (folder / "mlproject.yaml").write_text(HEAD + "\n".join([*steps, *serving, *pipelines]) + "\n", encoding="utf-8")
