"""Large language models on KServe: what LLMInferenceService cannot do, as the specification asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.platform import Profile
from mlwright.span import Path

_GROUPS = ("prefill", "decode")


def check_language(service: ir.Service, profile: Profile) -> Iterator[Diagnostic]:
    """KSERVE006 for fields and copies, KSERVE009 and KSERVE010 for what is spread over pods, KUBE006 for hosts."""
    path = service.origin.path
    for field, said in _said(service):
        if said:
            yield _cannot(service, (*path, field), f"it has no `{field}`", f"leave `{field}` out")
    if service.source.kind == "none":
        yield _cannot(service, path, "it has no `model`", 'write `model: "hf://..."`, or an address in a store')
    yield from _copies(service)
    for group in service.groups:
        if group.name not in _GROUPS:
            why = f"KServe knows no group of copies `{group.name}`"
            yield _cannot(service, (*path, "roles", group.name), why, "its groups are `prefill` and `decode`")
    if any(group.name == "prefill" for group in service.groups) and profile.file.gateway is None:
        why = "what leads requests to groups of copies is a Gateway, and the platform has none"
        yield _cannot(service, (*path, "roles"), why, "leave `roles` out, or let ops add `gateway_api` and `gateway`")
    yield from _staged(service)
    yield from _spread(service, profile)
    yield from _reached(service, profile)


def _said(service: ir.Service) -> Iterator[tuple[str, bool]]:
    extra = dict(service.extra)
    for kind, _ in service.components:
        yield kind, True
    yield "variants", bool(service.variants)
    yield "batcher", "batcher" in extra
    yield "log", "log" in extra
    yield "concurrency", bool(service.concurrency)
    yield "request_timeout", bool(service.request_timeout)


def _copies(service: ir.Service) -> Iterator[Diagnostic]:
    path = service.origin.path
    counts = [((*path, "replicas"), service.replicas)]
    counts += [((*path, "roles", group.name, "replicas"), group.replicas) for group in service.groups if group.replicas]
    for where, replicas in counts:
        if replicas.min != replicas.max or replicas.target:
            why = "its copies follow no measure"
            yield _cannot(service, where, why, f"write their number: `replicas: {max(1, replicas.min)}`")
        elif replicas.min == 0:
            yield _cannot(service, where, "nothing wakes it", "write `replicas: 1`")


def _spread(service: ir.Service, profile: Profile) -> Iterator[Diagnostic]:
    level, path = profile.file.pod_security, service.origin.path
    if level == "privileged":
        return
    own, asked = service.parallel, service.container.resources.gpu.count
    spreads = [((*path, "parallel"), own, asked)]
    spreads += [
        ((*path, "roles", group.name), group.parallel or own, group.resources.gpu.count if group.resources else asked)
        for group in service.groups
        if group.parallel or group.resources
    ]
    for where, parallel, gpus in spreads:
        if parallel.pipeline > 1 or (gpus and parallel.data * parallel.tensor > gpus):
            yield Diagnostic(
                code="KSERVE009",
                message=f"`{service.id}` takes several pods a copy, for which KServe asks for rights (IPC_LOCK, "
                f"SYS_RAWIO, NET_RAW) that a namespace of level {level} does not give",
                at=Label(path=where, on="key"),
                help="`pod_security: privileged` in the platform file says that the namespace does; or spread it over "
                "the GPUs of one pod (`tensor`)",
                severity="warning",
            )


def _staged(service: ir.Service) -> Iterator[Diagnostic]:
    path = service.origin.path
    apart = any(group.name == "prefill" for group in service.groups)
    said = [((*path, "parallel"), "decode" if apart else "", service.parallel)]
    said += [((*path, "roles", group.name), group.name, group.parallel) for group in service.groups if group.parallel]
    for where, role, parallel in said:
        if parallel.pipeline > 1:
            name = "-".join(filter(None, ("kserve-config-llm", role, "worker-pipeline-parallel")))
            yield Diagnostic(
                code="KSERVE010",
                message=f"`{service.id}` is cut into stages, and KServe comes without its configuration for that",
                at=Label(path=where, on="key"),
                help=f"ops add an LLMInferenceServiceConfig `{name}` to KServe's namespace; or spread the model by "
                "`tensor` or `data`",
                severity="warning",
            )


def _reached(service: ir.Service, profile: Profile) -> Iterator[Diagnostic]:
    expose, path = service.expose, (*service.origin.path, "expose")
    if expose.scope != "host":
        return
    if expose.auth == "required":
        why, at = "its address inside the cluster has a certificate that no proxy trusts", "auth"
    elif profile.file.gateway is None:
        why, at = "only a Gateway leads to large language models", "host"
    elif not profile.at_least("kubeflow.kserve", "0.17"):
        why, at = "before 0.17, KServe makes its route", "host"
    else:
        return
    yield Diagnostic(
        code="KUBE006",
        message=f"`{service.id}` cannot be exposed so: {why}",
        at=Label(path=(*path, at)),
        help="leave `expose` out; or write `kserve: {language_models: false}` in the platform file",
    )


def _cannot(service: ir.Service, path: Path, why: str, help: str) -> Diagnostic:
    return Diagnostic(
        code="KSERVE006",
        message=f"`{service.id}` is a large language model of KServe's (LLMInferenceService): {why}",
        at=Label(path=path, on="key"),
        help=f"{help}; `kserve: {{language_models: false}}` in the platform file serves it by another server",
    )
