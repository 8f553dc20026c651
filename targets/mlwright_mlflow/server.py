"""The tracking server of a machine of its own: settings, scripts, units of systemd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlwright.emit.programs import closure
from mlwright.emit.trackserver import Job, Place, Server, resolve
from mlwright.ir import Project, Tracking
from mlwright.target import EmitContext, TextFile
from mlwright_mlflow import units
from mlwright_mlflow.calendar import events
from mlwright_mlflow.files import constants, script, secrets

FOLDER = "server"
PLACE = Place(folder=units.STATE, config=units.CONFIG, host="127.0.0.1", hosts=("localhost:*", "127.0.0.1:*"))
"""A proxy on the same machine speaks TLS: nothing else reaches the server."""

_DRIVERS = {"postgres": "psycopg2-binary", "mysql": "PyMySQL", "mssql": "pymssql"}
_STORES = {"s3": ("boto3",), "gs": ("google-cloud-storage",), "azure": ("azure-storage-blob", "azure-identity")}
_README = """\
# MLflow tracking server: {name}

A machine with systemd 247 or newer and Python 3.10 or newer. As root, from this folder:

```sh
python3 -m venv {prefix} && {prefix}/bin/pip install -r requirements.txt
install -d {config} && cp -r {copied} {config}/
test -e {config}/secrets.env || install -m 600 secrets.env.example {config}/secrets.env     # and fill it in
cp *.service {timers}/etc/systemd/system/ && systemctl daemon-reload
systemctl enable --now {enabled}
```

The server listens on 127.0.0.1:{port}, and `{health}` answers without a password. A proxy on the same machine has to
take requests for `{host}` and pass them on with their Host header; with Caddy that is
`{host} {{ reverse_proxy 127.0.0.1:{port} }}`.

| unit | does |
|---|---|
{units}

After a change: copy the files again, then `systemctl restart mlflow-upgrade mlflow`. What has to last is in {state}:
back it up{backup}.
"""


def emit_server(project: Project, context: EmitContext) -> Iterator[TextFile]:
    """Everything below `server/` for a deployed server that this target owns."""
    tracking, name = project.tracking, f"{project.name}, {project.environment.name}"
    server = resolve(tracking, project.secrets, PLACE)
    found = dict(_files(tracking, server, name))
    if server.users:
        programs = closure(["users.py"], context.runtime)
        found |= {f"runtime/{file}": text for file, text in sorted(programs.items())}
    found["README.md"] = _readme(tracking, server, name, found)
    for path, text in found.items():
        yield TextFile(path=f"{FOLDER}/{path}", text=text, origin=tracking.origin)


def _files(tracking: Tracking, server: Server, name: str) -> Iterator[tuple[str, str]]:
    yield "requirements.txt", "".join(f"{line}\n" for line in requirements(tracking))
    yield from server.files
    jobs = {"server": Job(argv=server.argv, env=server.env), "upgrade": server.upgrade}
    if server.users:
        jobs["users"] = Job(argv=("python3", "-S", f"{units.CONFIG}/runtime/users.py"), env=server.users)
    if server.gc:
        jobs["gc"] = server.gc
    for job, made in jobs.items():
        yield f"{job}.env", constants(made.env)
        yield f"{job}.sh", script(made)
    yield "secrets.env.example", secrets([made.env for made in jobs.values()])
    yield from _units(tracking, server, name)


def _units(tracking: Tracking, server: Server, name: str) -> Iterator[tuple[str, str]]:
    whole = f"the MLflow tracking server ({name})"
    network = {"Wants": "network-online.target", "After": "network-online.target"}
    after = {"After": "network-online.target mlflow-upgrade.service"}
    yield (
        "mlflow.service",
        units.service(
            f"MLflow tracking server ({name})",
            "server",
            unit={"Requires": "mlflow-upgrade.service", **network, **after},
            settings=["Type=exec", "Restart=on-failure", "RestartSec=5s", *units.limits(tracking.resources)],
        ),
    )
    once = ["Type=oneshot", "TimeoutStartSec=1h"]
    yield (
        "mlflow-upgrade.service",
        units.service(
            f"Database schema of {whole}",
            "upgrade",
            unit={"Before": "mlflow.service", **network},
            settings=[*once, "RemainAfterExit=yes"],
            wanted=False,
        ),
    )
    running = {"Requires": "mlflow.service", "After": "mlflow.service"}
    if server.users:
        patient = [*once, "Environment=MLWRIGHT_PATIENCE=300"]
        yield (
            "mlflow-users.service",
            units.service(f"Pipelines' user of {whole}", "users", unit=running, settings=patient),
        )
    if server.gc:
        about = f"Removal of deleted runs of {whole}"
        yield "mlflow-gc.service", units.service(about, "gc", unit=running, settings=once, wanted=False)
        if server.gc.schedule:
            yield "mlflow-gc.timer", units.timer(about, events(server.gc.schedule))


def requirements(tracking: Tracking) -> list[str]:
    """What pip installs for the server: MLflow of the version asked for, and what its stores need."""
    extras = "[auth]" if tracking.auth.type == "basic" else ""
    databases = {tracking.backend.type, *({tracking.registry.type} if tracking.registry else ())}
    found = [f"mlflow{extras}=={tracking.version}"]
    found += [driver for name, driver in _DRIVERS.items() if name in databases]
    found += _STORES.get(tracking.artifacts.type, ())
    return [*found, "prometheus-flask-exporter"] if tracking.options.prometheus else found


def _readme(tracking: Tracking, server: Server, name: str, files: Mapping[str, str]) -> str:
    starts = ["mlflow.service", "mlflow-users.service", "mlflow-gc.timer"]
    about = [(file, text) for file, text in files.items() if file.endswith(".service")]
    databases = {tracking.backend.type, *({tracking.registry.type} if tracking.registry else ())}
    backup = "" if databases <= {"sqlite"} else ", and the database"
    return _README.format(
        name=name,
        prefix=units.PREFIX,
        config=units.CONFIG,
        state=units.STATE,
        copied=" ".join(file for file in ("*.sh", "*.env", "*.ini", "runtime") if _there(file, files)),
        timers="*.timer " if "mlflow-gc.timer" in files else "",
        enabled=" ".join(file for file in starts if file in files),
        port=server.port,
        health=server.health,
        host=tracking.expose.host,
        units="\n".join(f"| `{file}` | {text.splitlines()[1].partition('=')[2]} |" for file, text in about),
        backup=backup,
    )


def _there(pattern: str, files: Mapping[str, str]) -> bool:
    return any(file.endswith(pattern[1:]) if pattern[0] == "*" else file.startswith(pattern) for file in files)
