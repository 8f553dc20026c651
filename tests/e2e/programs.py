"""Go programs that nothing here installs: built from source once, kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CACHE = Path(os.environ.get("MLWRIGHT_E2E_CACHE") or Path.home() / ".cache" / "mlwright-e2e")
"""Programs, and the private engine's images: a second run builds nothing. Deleting the folder is safe."""


class Missing(Exception):
    """What this machine lacks, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A main package of a module at a version. `stamp` is the variable that holds the version; `published` is the
    version of those modules that the module's own go.mod takes from its folders. `main` is a program of ours on top of
    the module, in the place of `package`."""

    name: str
    module: str
    version: str
    package: str
    stamp: str = ""
    published: str = ""
    main: Path | None = None

    def built(self) -> Path:
        """The folder in the cache with the program in it. Its own go.mod may exclude or replace, which `go install`
        refuses: a module that requires it does not care."""
        mark = f"-{hashlib.sha256(self.main.read_bytes()).hexdigest()[:8]}" if self.main else ""
        folder = CACHE / f"{self.name}-{self.version}{mark}"
        if (folder / self.name).exists():
            return folder
        if not shutil.which("go"):
            raise Missing(f"{self.name} is not there, and no Go to build it with")
        since = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mlwright-e2e-go-") as place:
            env = dict(os.environ, GOFLAGS="-mod=mod -buildvcs=false", CGO_ENABLED="0")
            flags = f"-s -w -X {self.stamp}={self.version}" if self.stamp else "-s -w"
            done(["go", "mod", "init", "program.invalid/build"], env=env, cwd=Path(place))
            if self.main:
                shutil.copy(self.main, Path(place) / "main.go")
            for words in (
                *self._replaced(),
                ["get", f"{self.module}@{self.version}"],
                ["build", "-trimpath", "-ldflags", flags, "-o", self.name, "." if self.main else self.package],
            ):
                done(["go", *words], env=env, cwd=Path(place))
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / f"{self.name}.part"
            shutil.move(Path(place) / self.name, part)
            part.rename(folder / self.name)
        told(f"built {self.name} {self.version}", since)
        return folder

    def source(self) -> Path:
        """The folder of the module that it is built from."""
        words = ["go", "mod", "download", "-json", f"{self.module}@{self.version}"]
        return Path(json.loads(_said(words))["Dir"])

    def _replaced(self) -> list[list[str]]:
        """The `go mod edit` that takes published modules in place of the folders that are in no module's archive."""
        if not self.published:
            return []
        words = ["go", "mod", "download", "-json", f"{self.module}@{self.version}"]
        own = Path(json.loads(_said(words))["GoMod"]).read_text()
        names = re.findall(r"^\s+(\S+) => \./", own, re.MULTILINE)
        return [["mod", "edit", *(f"-replace={name}={name}@{self.published}" for name in names)]]


COMPOSE = Program(
    name="docker-compose",
    module="github.com/docker/compose/v5",
    version="v5.5.0",
    package="github.com/docker/compose/v5/cmd",
    stamp="github.com/docker/compose/v5/internal.Version",
)
WEED = Program(
    name="weed",
    module="github.com/seaweedfs/seaweedfs",
    version="v0.0.0-20261109003541-7506e5f91cd6",
    package="github.com/seaweedfs/seaweedfs/weed",
)
ETCD = Program(name="etcd", module="go.etcd.io/etcd/server/v3", version="v3.6.8", package="go.etcd.io/etcd/server/v3")
KUBERNETES = tuple(
    Program(
        name=name,
        module="k8s.io/kubernetes",
        version="v1.36.3",
        package=f"k8s.io/kubernetes/cmd/{name}",
        stamp="k8s.io/component-base/version.gitVersion",
        published="v0.36.3",
    )
    for name in ("kubectl", "kube-apiserver", "kube-controller-manager")
)

JOBSET = Program(name="jobset", module="sigs.k8s.io/jobset", version="v0.12.0", package="sigs.k8s.io/jobset")
TRAINER = Program(
    name="trainer-controller-manager",
    module="github.com/kubeflow/trainer/v2",
    version="v2.3.0",
    package="github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager",
)
TRAINING_OPERATOR = Program(
    name="training-operator",
    module="github.com/kubeflow/training-operator",
    version="v1.9.4",
    package="github.com/kubeflow/training-operator/cmd/training-operator.v1",
)
KATIB = Program(
    name="katib-webhooks",
    module="github.com/kubeflow/katib",
    version="v0.19.0",
    package="github.com/kubeflow/katib/cmd/katib-controller/v1beta1",
    main=Path(__file__).parent / "kubernetes" / "katib_webhooks.go",
)


def _said(words: Sequence[str]) -> str:
    """What a command says on its standard output; `Missing` where it fails."""
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    if found.returncode:
        raise Missing(f"{' '.join(words)}: exit code {found.returncode}\n{found.stdout}{found.stderr}")
    return found.stdout


def told(text: str, since: float) -> None:
    """A line on what took how long: `pytest -s` shows it at once."""
    print(f"  {time.monotonic() - since:6.1f} s  {text}", flush=True)


def done(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: IO[bytes] | None = None,
) -> None:
    """Runs a command to its end; what it said is told when it fails."""
    ended = subprocess.run(command, env=env, cwd=cwd, stdin=stdin, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = (ended.stdout + ended.stderr)[-3000:]
        raise Missing(f"{' '.join(command)}: exit code {ended.returncode}\n{said}")
