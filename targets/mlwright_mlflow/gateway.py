"""The AI gateway of a machine of its own: MLflow's configuration file, a script, a unit of systemd."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright.emit.gateway import FILE, Gateway, resolve
from mlwright.emit.trackserver import Job
from mlwright.ir import Origin, Project
from mlwright.target import Document, EmitContext, Part, TextFile
from mlwright_mlflow import units
from mlwright_mlflow.files import constants, script, secrets

FOLDER = "gateway"
NODE = "tracking.gateway"
_USER = "mlflow-gateway"
_README = """\
# MLflow AI gateway: {name}

A machine with systemd 247 or newer and Python 3.10 or newer. As root, from this folder:

```sh
python3 -m venv {prefix} && {prefix}/bin/pip install -r requirements.txt
install -d {config} && cp *.sh *.env {file} {config}/
test -e {config}/gateway-secrets.env || install -m 600 gateway-secrets.env.example {config}/gateway-secrets.env
cp *.service /etc/systemd/system/ && systemctl daemon-reload
systemctl enable --now {user}.service                # once gateway-secrets.env is filled in
```

It listens on 127.0.0.1:{port} and knows no users: what passes requests on to it decides who may call.

```sh
curl http://127.0.0.1:{port}/gateway/{first}/invocations -H 'Content-Type: application/json' -d '{{...}}'
```

MLflow calls this gateway deprecated in favour of the one inside of its server, whose endpoints are made by hand.
"""


def emit_gateway(project: Project, context: EmitContext) -> Iterator[Document | TextFile]:
    """Everything below `gateway/`."""
    tracking, name = project.tracking, f"{project.name}, {project.environment.name}"
    origin = Origin(path=(*tracking.origin.path, "gateway"))
    gateway = resolve(tracking, project.secrets, config=units.CONFIG, host="127.0.0.1")
    yield Document(
        path=f"{FOLDER}/{FILE}",
        data=gateway.config,
        origins={(): origin, **_origins(origin, [endpoint for endpoint, _ in tracking.gateway])},
        parts=(Part(node=NODE, kind="Gateway"),),
    )
    version = tracking.version or context.platform.mlflow
    for path, text in _files(gateway, name, version, tracking.gateway[0][0]).items():
        yield TextFile(path=f"{FOLDER}/{path}", text=text, origin=origin)


def _origins(origin: Origin, names: list[str]) -> dict[tuple[str | int, ...], Origin]:
    paths = enumerate(names)
    return {("endpoints", index): Origin(path=(*origin.path, "endpoints", name)) for index, name in paths}


def _files(gateway: Gateway, name: str, version: str, first: str) -> dict[str, str]:
    job = Job(argv=gateway.argv, env=(*gateway.env, ("HOME", ("/tmp",))))
    return {
        "requirements.txt": f"mlflow[genai]=={version}\n",
        "gateway.env": constants(job.env),
        "gateway-secrets.env.example": secrets([job.env], "gateway-secrets"),
        "gateway.sh": script(job, "gateway-secrets"),
        f"{_USER}.service": units.service(
            f"MLflow AI gateway ({name})",
            "gateway",
            unit={"Wants": "network-online.target", "After": "network-online.target"},
            settings=["Type=exec", "Restart=on-failure", "RestartSec=5s"],
            user=_USER,
            secrets="gateway-secrets",
        ),
        "README.md": _README.format(
            name=name,
            prefix=units.PREFIX,
            config=units.CONFIG,
            file=FILE,
            user=_USER,
            port=gateway.port,
            first=first,
        ),
    }
