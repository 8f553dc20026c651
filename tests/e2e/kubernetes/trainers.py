"""The real controllers of training jobs, on a control plane: JobSet's, Trainer's, and the training operator's."""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.e2e.kubernetes import crds
from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.programs import JOBSET, TRAINER, TRAINING_OPERATOR, Program
from tests.servers import answers, free_port, running

Json = dict[str, Any]

_JOBSET, _TRAINER = "jobset.x-k8s.io", "trainer.kubeflow.org"
_V1 = ("pytorchjobs", "tfjobs", "mpijobs", "xgboostjobs", "paddlejobs", "jaxjobs")
_WAITING = {
    "name": "init-pytorch",
    "image": "app:1",
    "command": ["sh", "-c", "until getent hosts {{.MasterAddr}}; do sleep 0.2; done"],
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
"""What the operator adds to pods that wait for the first one, as a restricted namespace admits it."""
_HOOKS = "/apis/admissionregistration.k8s.io/v1"


@contextlib.contextmanager
def trainer(plane: Plane) -> Iterator[None]:
    """JobSet and Trainer, with what they say to objects before these are kept."""
    runtimes = [f"{kind}.{_TRAINER}" for kind in ("trainjobs", "trainingruntimes", "clustertrainingruntimes")]
    crds.installed(plane, f"jobsets.{_JOBSET}", *runtimes)
    with (
        _managed(plane, JOBSET, f"config.{_JOBSET}", _JOBSET),
        _managed(plane, TRAINER, f"config.{_TRAINER}", _TRAINER),
    ):
        yield


@contextlib.contextmanager
def operator(plane: Plane) -> Iterator[None]:
    """The training operator. It makes its own certificates and looks for them in a folder of the whole machine: it has
    a `/tmp` of its own."""
    crds.installed(plane, *(f"{kind}.kubeflow.org" for kind in _V1))
    folder, port, probes = _folder(plane, "operator"), free_port(), free_port()
    words = [
        str(TRAINING_OPERATOR.built() / TRAINING_OPERATOR.name),
        *("--kubeconfig", "/tmp/kubeconfig", "--webhook-server-port", str(port), "--metrics-bind-address", "0"),
        *("--health-probe-bind-address", f"127.0.0.1:{probes}"),
        *("--pytorch-init-container-template-file", "/tmp/waiting.yaml"),
    ]
    config = json.loads(plane.kubeconfig.read_text())
    place = config["clusters"][0]["cluster"]
    place["certificate-authority-data"] = base64.b64encode(
        Path(place.pop("certificate-authority")).read_bytes()
    ).decode()
    (folder / "kubeconfig").write_text(json.dumps(config))
    (folder / "waiting.yaml").write_text(json.dumps([_WAITING]))
    own = 'mount --bind "$0" /tmp && exec "$@"'
    certificate, key = _certificate()
    _written(folder, certificate, key)
    home = "training-operator"
    with contextlib.suppress(Refused):
        plane.namespace(home, enforce="privileged")
        secret = {"metadata": {"name": "training-operator-webhook-cert"}, "type": "Opaque"}
        plane.ask("POST", f"/api/v1/namespaces/{home}/secrets", secret)
    own_hooks = {"metadata": {"name": "validator.training-operator.kubeflow.org"}, "webhooks": []}
    command = ["unshare", "--mount", "sh", "-c", own, str(folder), *words]
    env = {**os.environ, "MY_POD_NAMESPACE": home}
    with (
        _hooked(plane, [("validatingwebhookconfigurations", own_hooks)]),
        running(command, lambda: answers(f"http://127.0.0.1:{probes}/readyz"), folder / "log", env=env),
        _hooked(plane, _hooks(TRAINING_OPERATOR, "kubeflow.org", certificate, port)),
    ):
        yield


@contextlib.contextmanager
def _managed(plane: Plane, program: Program, group: str, only: str) -> Iterator[None]:
    """A controller with a certificate of ours, and the module's own hooks for the kinds of the group `only`."""
    folder, port, probes = _folder(plane, program.name), free_port(), free_port()
    certificate, key = _certificate()
    _written(folder, certificate, key)
    config: Json = {
        "apiVersion": f"{group}/v1alpha1",
        "kind": "Configuration",
        "webhook": {"port": port, "host": "127.0.0.1"},
        "metrics": {"bindAddress": "0"},
        "health": {"healthProbeBindAddress": f"127.0.0.1:{probes}"},
        "leaderElection": {"leaderElect": False},
        "internalCertManagement" if program is JOBSET else "certManagement": {"enable": False},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    words = [str(program.built() / program.name), "--config", str(folder / "config.yaml")]
    env = {**os.environ, "KUBECONFIG": str(plane.kubeconfig), "TMPDIR": str(folder)}
    if program is JOBSET:
        words += ["--metrics-bind-address", "0", "--health-probe-bind-address", f"127.0.0.1:{probes}"]
    with (
        running(words, lambda: answers(f"http://127.0.0.1:{probes}/readyz"), folder / "log", env=env),
        _hooked(plane, _hooks(program, only, certificate, port)),
    ):
        yield


@contextlib.contextmanager
def _hooked(plane: Plane, configurations: Iterable[tuple[str, Json]]) -> Iterator[None]:
    """Hooks for as long as somebody answers them: what nobody answers is refused."""
    kept = list(configurations)
    for kind, hooks in kept:
        plane.ask("POST", f"{_HOOKS}/{kind}", hooks)
    try:
        yield
    finally:
        for kind, hooks in kept:
            plane.ask("DELETE", f"{_HOOKS}/{kind}/{hooks['metadata']['name']}")


def _hooks(program: Program, only: str, certificate: bytes, port: int) -> Iterator[tuple[str, Json]]:
    """The module's own configurations of hooks, for a program outside of the cluster."""
    place = "config/components" if program is JOBSET else "manifests/base"
    for found in yaml.safe_load_all((program.source() / place / "webhook" / "manifests.yaml").read_text()):
        own = [hook for hook in found["webhooks"] if {only} == {g for rule in hook["rules"] for g in rule["apiGroups"]}]
        for hook in own:
            path = hook["clientConfig"].pop("service")["path"]
            hook["clientConfig"] |= {
                "url": f"https://127.0.0.1:{port}{path}",
                "caBundle": base64.b64encode(certificate).decode(),
            }
        kind = found["kind"].lower() + "s"
        yield kind, {**found, "metadata": {"name": f"{program.name}-{kind}"}, "webhooks": own}


def _folder(plane: Plane, name: str) -> Path:
    folder = plane.folder / name
    folder.mkdir(exist_ok=True)
    return folder


def _written(folder: Path, certificate: bytes, key: bytes) -> None:
    place = folder / "k8s-webhook-server" / "serving-certs"
    place.mkdir(parents=True, exist_ok=True)
    for name, content in {"tls.crt": certificate, "tls.key": key, "ca.crt": certificate, "ca.key": key}.items():
        (place / name).write_bytes(content)


def _certificate() -> tuple[bytes, bytes]:
    """A certificate of this machine's loopback address, which is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return (
        made.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    )
