"""What targets read of a platform: by name, typed, with the defaults of a platform that says nothing."""

from __future__ import annotations

import pytest

from mlwright.platform import BUILTIN, Profile
from mlwright.platform.file import read_platform
from mlwright.source.files import Memory

HEAD = "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: argo\nkubernetes: '1.36'\n"


def platform(text: str) -> Profile:
    profile, bag = read_platform(Memory({"prod.yaml": HEAD + text}), "", "prod.yaml", ("platform",))
    assert [item.message for item in bag] == []
    assert profile is not None
    return profile


@pytest.mark.parametrize(
    ("images", "ref", "pulled"),
    [
        ("{registry: mirror.example.com}", "python:3.12", "mirror.example.com/docker.io/library/python:3.12"),
        ("{registry: mirror.example.com}", "acme/churn", "mirror.example.com/docker.io/acme/churn"),
        ("{registry: mirror.example.com/}", "ghcr.io/acme/churn:1", "mirror.example.com/ghcr.io/acme/churn:1"),
        ("{registry: mirror.example.com}", "mirror.example.com/ghcr.io/a/b", "mirror.example.com/ghcr.io/a/b"),
        ("{registry: mirror.example.com}", "localhost:5000/a@sha256:1", "mirror.example.com/localhost:5000/a@sha256:1"),
        ("{mirrors: {docker.io: 'm.example.com/hub'}}", "python:3.12", "m.example.com/hub/library/python:3.12"),
        ("{mirrors: {docker.io: 'm.example.com/hub'}}", "ghcr.io/acme/churn", "ghcr.io/acme/churn"),
        ("{registry: m.example.com, mirrors: {ghcr.io: g.example.com}}", "ghcr.io/a/b", "g.example.com/a/b"),
        ("{}", "python:3.12", "python:3.12"),
    ],
)
def test_images_are_pulled_through_the_mirror(images: str, ref: str, pulled: str) -> None:
    assert platform(f"images: {images}\n").image(ref) == pulled


def test_systems_with_details_have_their_version_as_a_short_form() -> None:
    short = platform("argo_cd: 'v3.5.1'\n")
    long = platform("argo_cd: {version: v3.5.1, project: ml, destination: {name: ml-prod}}\n")
    assert short.systems == long.systems == {"kubernetes": "1.36", "argo_cd": "3.5.1"}
    assert short.file.argo_cd is not None and short.file.argo_cd.namespace == "argocd"
    assert long.file.argo_cd is not None and long.file.argo_cd.destination is not None
    assert long.file.argo_cd.destination.name == "ml-prod"


def test_names_that_ops_define_are_looked_up() -> None:
    profile = platform(
        "placements: {spot: {selector: {pool: spot}}}\nidentities: {lake: {service_account: lake-reader}}\n"
        "namespaces: {churn: {create: true, limits: {default: {memory: 1Gi}}}}\nretention: {runs: 7d}\n"
        "storage_classes: {fast: {name: gp3}}\ngpus: {mi300: {resource: amd.com/gpu}}\n"
    )
    assert profile.placement("spot").selector == {"pool": "spot"} and profile.placement("").selector == {}
    identity = profile.identity("lake")
    assert identity is not None and identity.service_account == "lake-reader" and profile.identity("") is None
    namespace = profile.namespace("churn")
    assert namespace is not None and namespace.limits is not None
    assert namespace.limits.default == {"memory": "1Gi"} and profile.namespace("other") is None
    assert (profile.storage_class("fast"), profile.storage_class("standard")) == ("gp3", "standard")
    assert profile.gpu("mi300").resource == "amd.com/gpu"
    assert profile.keep_runs == 7 * 86400
    for look_up in (profile.placement, profile.identity):
        with pytest.raises(LookupError):
            look_up("sopt")


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_a_built_in_platform_says_nothing_beyond_its_systems(name: str) -> None:
    profile = BUILTIN[name]
    assert profile.file.network.policies and profile.file.network.dns.labels == {"k8s-app": "kube-dns"}
    assert profile.file.pod_security == "restricted" and profile.file.cluster_domain == "cluster.local"
    assert profile.file.ingress is None and profile.file.gateway is None
    assert profile.image("python:3.12") == "python:3.12" and profile.keep_runs == 0
    assert profile.label("prod").path == ("environments", "prod", "platform")


def test_a_label_points_at_the_platform_files_line() -> None:
    profile = platform("keda: '2.20'\nnetwork: {policies: false}\n")
    for path, line in ((("keda",), 5), (("network", "policies"), 6), (("orchestrator",), 3)):
        span = profile.label("prod", path).span
        assert span is not None and (span.file, span.line) == ("prod.yaml", line)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("placements: {spot: {gang: kueue}}\n", "PLAT005", 5),
        ("placements: {spot: {gang: volcano}}\n", "PLAT005", 5),
        ("placements: {spot: {gang: coscheduling}}\n", "PLAT005", 5),
        ("placements: {spot: {queue: gpu}}\n", "PLAT005", 5),
        ("placements: {spot: {gpu: a100}}\n", "PLAT006", 5),
        ("gpus: {a100: {}}\nplacements: {spot: {gpu: a10}}\n", "PLAT006", 6),
        ("gateway: {name: public}\n", "PLAT005", 5),
        ("secret_store: {name: vault}\nsealed_secrets: '0.36'\n", "PLAT005", 5),
        ("mesh: {mtls: strict}\n", "PLAT005", 5),
        ("katib: {inject_security_context: true}\n", "PLAT005", 5),
        ("ingress: {class: nginx}\ngateway: {name: public}\ngateway_api: '1.6'\n", "SPEC008", 3),
        ("argo_cd: {version: '3.5', destination: {}}\n", "SPEC008", 5),
        ("argo_cd: {project: ml}\n", "SPEC002", 5),
        ("network: {api_server: [{cidr: 10.0.0.1}]}\n", "SPEC020", 5),
        ("network: {allow_from: [Ingress]}\n", "NAME004", 5),
        ("auth_proxy: {issuer: login.example.com, secret: s}\n", "SPEC020", 5),
        ("retention: {runs: 7}\n", "QTY011", 5),
    ],
)
def test_what_does_not_agree_is_found_in_the_platform_file(text: str, code: str, line: int) -> None:
    _, bag = read_platform(Memory({"prod.yaml": HEAD + text}), "", "prod.yaml", ("platform",))
    found = [(item.code, item.span.line) for item in bag.ordered() if item.span and item.severity == "error"]
    assert [code for code, _ in found] == [code], found
    assert code == "SPEC008" or found[0][1] == line
