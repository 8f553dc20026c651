"""A Docker engine with `docker compose`: the one that answers here, or a private one for as long as the tests run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.programs import CACHE, COMPOSE, Missing, done, told

_BRIDGE, _GATEWAY, _POOL = "mlwright-e2e", "10.213.0.1/24", "10.214.0.0/16"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How to reach an engine. `private` says that nobody else uses it."""

    env: dict[str, str] = field(repr=False)
    private: bool

    def docker(self, *words: str, timeout: float = 1200, check: bool = True, cwd: Path | None = None) -> str:
        """Standard output of a `docker` command; a failure is told with all that it said."""
        done = subprocess.run(
            ["docker", *words], env=self.env, capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd
        )
        if check and done.returncode:
            raise AssertionError(f"docker {' '.join(words)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout.strip()


@contextlib.contextmanager
def started() -> Iterator[Engine]:
    """The engine that answers, else a private one. `MLWRIGHT_E2E_PRIVATE=1` starts a private one in any case."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (Path(tempfile.gettempdir()) / "mlwright-e2e.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        env = dict(os.environ, DOCKER_CLI_HINTS="false")
        if not os.environ.get("MLWRIGHT_E2E_PRIVATE") and _answers(env):
            yield Engine(env=_with_compose(env), private=False)
            return
        _install()
        with _private(env) as own:
            yield Engine(env=_with_compose(own), private=True)


def _answers(env: dict[str, str]) -> bool:
    if not shutil.which("docker"):
        return False
    try:
        return subprocess.run(["docker", "version"], env=env, capture_output=True, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _install() -> None:
    """Debian's engine and what makes its images."""
    needed = {"dockerd": "docker.io", "debootstrap": "debootstrap", "ip": "iproute2", "iptables": "iptables"}
    lacking = [package for program, package in needed.items() if not _program(program)]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(
            "no Docker engine answers (`docker version`), and only root on Debian can start a private one here"
        )
    if lacking:
        since = time.monotonic()
        for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *lacking]):
            done(["apt-get", *words], env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
        told(f"installed {', '.join(lacking)}", since)


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


@contextlib.contextmanager
def _private(env: dict[str, str]) -> Iterator[dict[str, str]]:
    """A private engine: its images in the cache, its socket in a temporary folder, its own bridge and addresses."""
    _end_leftover()
    since = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="mlwright-e2e-"))
    own = dict(env, DOCKER_HOST=f"unix://{folder}/docker.sock")
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"):
        own.pop(name, None)
    _bridge("add")
    log = CACHE / "engine.log"
    command = [
        *(str(_program("dockerd")), "--log-level=warn", "-H", own["DOCKER_HOST"], "--pidfile", str(folder / "pid")),
        *("--data-root", str(CACHE / "engine"), "--exec-root", str(folder / "exec")),
        *("--default-address-pool", f"base={_POOL},size=24"),
        # With a bridge of another name an engine removes `docker0`, which then is another one's.
        *(() if Path("/sys/class/net/docker0").exists() else ("--bridge", _BRIDGE)),
    ]
    with log.open("wb") as output:
        daemon = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=own, start_new_session=True)
    (CACHE / "engine.pid").write_text(f"{daemon.pid} {folder}")
    try:
        while not _answers(own):
            if daemon.poll() is not None or time.monotonic() - since > 90:
                raise Missing(f"the private Docker engine did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)
        told("the private engine answers", since)
        _empty(own)
        yield own
        _empty(own)
    finally:
        daemon.terminate()
        try:
            daemon.wait(90)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait(30)
        (CACHE / "engine.pid").unlink(missing_ok=True)
        _bridge("del")
        shutil.rmtree(folder, ignore_errors=True)


def _empty(env: dict[str, str]) -> None:
    """No container, network or volume: an engine that was killed leaves some behind."""
    found = subprocess.run(["docker", "ps", "-aq"], env=env, capture_output=True, text=True, check=True).stdout.split()
    if found:
        done(["docker", "rm", "-f", "-v", *found], env=env)
    done(["docker", "network", "prune", "-f"], env=env)
    volumes = ["docker", "volume", "ls", "-q"]
    names = subprocess.run(volumes, env=env, capture_output=True, text=True, check=True).stdout.split()
    if names:
        done(["docker", "volume", "rm", "-f", *names], env=env)


def _bridge(verb: str) -> None:
    """Makes or removes the bridge of the builds."""
    ip = str(_program("ip"))
    subprocess.run([ip, "link", "del", _BRIDGE], capture_output=True, check=False)
    if verb == "add":
        done([ip, "link", "add", "name", _BRIDGE, "type", "bridge"])
        done([ip, "address", "add", _GATEWAY, "dev", _BRIDGE])
        done([ip, "link", "set", _BRIDGE, "up"])


def _end_leftover() -> None:
    """Ends a private engine whose tests were killed."""
    with contextlib.suppress(OSError, ValueError):
        pid, folder = (CACHE / "engine.pid").read_text().split(" ", 1)
        if str(CACHE / "engine") in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(int(pid), signal.SIGTERM)
            for _ in range(600):
                if not Path(f"/proc/{pid}").exists():
                    break
                time.sleep(0.1)
            shutil.rmtree(folder, ignore_errors=True)


def _with_compose(env: dict[str, str]) -> dict[str, str]:
    """The environment in which `docker compose` works: as it is, or with a plugin that is built once."""
    done = subprocess.run(
        ["docker", "compose", "version", "--short"], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode == 0 and not done.stdout.strip().lstrip("v").startswith(("0.", "1.")):
        return env
    config = COMPOSE.built()
    plugin = config / "cli-plugins" / COMPOSE.name
    if not plugin.is_symlink():
        plugin.parent.mkdir(exist_ok=True)
        plugin.symlink_to(config / COMPOSE.name)
    return dict(env, DOCKER_CONFIG=str(config))
