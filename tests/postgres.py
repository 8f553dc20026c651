"""A PostgreSQL of one's own on loopback: thrown away at the end, run by an unprivileged user even when root asks."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.servers import free_port

NOBODY = "nobody"
PASSWORD = "bench"


class Postgres:
    """A running server with a user and a database `mlflow`, set up by `initdb` as PostgreSQL's image does."""

    def __init__(self, folder: Path, settings: Iterable[str] = ()) -> None:
        self.port = free_port()
        self.url = f"postgresql+psycopg2://mlflow:{PASSWORD}@127.0.0.1:{self.port}/mlflow"
        self._data, password = folder / "data", folder / "password"
        folder.mkdir()
        password.write_text(PASSWORD)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            entry = pwd.getpwnam(NOBODY)
            for path in (folder, password):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        made = ("-U", "mlflow", "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8")
        run("initdb", "-D", str(self._data), *made)
        words = ("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", *settings)
        log = str(folder / "log.txt")
        run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", f"-p {self.port} {' '.join(words)}", "start")
        run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mlflow", "mlflow")

    def stop(self) -> None:
        run("pg_ctl", "-D", str(self._data), "-w", "-m", "fast", "stop")


def missing() -> str:
    """What is not installed here; empty when everything is."""
    return ", ".join(name for name in ("initdb", "pg_ctl", "createdb") if not _program(name))


def run(name: str, *words: str) -> None:
    """One of PostgreSQL's programs, to its end; a failure ends the bench with what it said."""
    command = [_program(name), *words]
    if os.geteuid() == 0:
        command = ["setpriv", f"--reuid={NOBODY}", "--regid=nogroup", "--clear-groups", *command]
    env = {**os.environ, "PGPASSWORD": PASSWORD}
    # pg_ctl's server inherits what it writes to: a pipe would never end.
    done = subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if name != "pg_ctl" else None,
        text=True,
        check=False,
        env=env,
        cwd="/",
    )
    if done.returncode:
        sys.exit(f"{name} exited {done.returncode}\n{done.stderr or ''}")


def _program(name: str) -> str:
    """A program of PostgreSQL; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    return shutil.which(name) or (str(found[-1]) if found else "")
