"""Who is reached from outside: an HTTPRoute of the platform's Gateway, or an Ingress, and a proxy before a login."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlwright.emit.kube import pod, quantity, workloads
from mlwright.emit.kube.environment import Value
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import HTTP, Workload
from mlwright.ir import Expose
from mlwright.record import replace

PROXY = 4180
"""The port of the proxy that asks who it is."""
Backend = tuple[str, int, int]
"""A Service, its port, and its weight; -1 for one that gets a copy of every request."""


def expose(
    objects: Objects,
    work: Workload,
    wanted: Expose,
    *,
    port: int,
    path: str = "",
    known: bool = False,
    upstream: str = "",
    suffix: str = "",
) -> None:
    """Expose the Service of `work` by its host. `path` is what the program itself serves below, where it is not `/`;
    `known` means that it asks who it is itself; `upstream` is its address where a Service of another's answers to one
    name only; `suffix` keeps the object's name off those of controllers."""
    if wanted.scope != "host":
        return
    service = work.name
    if wanted.auth == "required" and not known:
        address = upstream or f"http://{work.name}:{port}"
        service, port = _proxy(objects, work, wanted, address, named=bool(upstream)), PROXY
    below = path if wanted.path == "/" and path else wanted.path
    if objects.context.platform.file.gateway:
        strip = below != "/" and below != path
        route(objects, work, [(service, port, 1)], host=wanted.host, path=below, strip=strip, suffix=suffix)
    else:
        _ingress(objects, work, wanted, service, below, suffix)


def route(
    objects: Objects,
    work: Workload,
    backends: Sequence[Backend],
    *,
    host: str = "",
    path: str = "/",
    strip: bool = False,
    suffix: str = "",
) -> None:
    """An HTTPRoute to `backends` by weight: of the platform's Gateway for a host, else of the mesh, for callers of the
    Service of `work`. `strip` takes `path` away before the program sees it."""
    filters: list[dict[str, Any]] = []
    if strip:
        rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
        filters.append({"type": "URLRewrite", "urlRewrite": rewrite})
    filters += [
        {"type": "RequestMirror", "requestMirror": {"backendRef": _backend(name, port)}}
        for name, port, weight in backends
        if weight < 0
    ]
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        **({"filters": filters} if filters else {}),
        "backendRefs": [{**_backend(name, port), "weight": weight} for name, port, weight in backends if weight >= 0],
    }
    parent = _gateway(objects) if host else {"group": "", "kind": "Service", "name": work.name}
    spec = {"parentRefs": [parent], **({"hostnames": [host]} if host else {}), "rules": [rule]}
    name = f"{work.name}{suffix}" if host else f"{work.name}-mesh"
    kind = "HTTPRoute"
    objects.add(kind, name, {"spec": spec}, as_kind=work.kind(kind if host else f"Mesh{kind}"), **work.common)


def _backend(service: str, port: int) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": service, "port": port}


def _gateway(objects: Objects) -> dict[str, Any]:
    gateway = objects.context.platform.file.gateway
    assert gateway is not None
    return {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": gateway.name,
        **({"namespace": gateway.namespace} if gateway.namespace else {}),
        **({"sectionName": gateway.section} if gateway.section else {}),
    }


def _ingress(objects: Objects, work: Workload, wanted: Expose, service: str, path: str, suffix: str) -> None:
    found = objects.context.platform.file.ingress
    backend = {"service": {"name": service, "port": {"name": HTTP}}}
    spec: dict[str, Any] = {
        **({"ingressClassName": found.class_} if found and found.class_ else {}),
        **({"tls": [{"hosts": [wanted.host], "secretName": wanted.tls_secret}]} if wanted.tls_secret else {}),
        "rules": [
            {"host": wanted.host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}},
        ],
    }
    annotations = dict(found.annotations) if found else None
    kind = "Ingress"
    name = f"{work.name}{suffix}"
    objects.add(kind, name, {"spec": spec}, as_kind=work.kind(kind), annotations=annotations, **work.common)


def _proxy(objects: Objects, work: Workload, wanted: Expose, upstream: str, *, named: bool = False) -> str:
    """oauth2-proxy in front of `upstream`: people log in, programs bring a token of the same issuer; its Service.
    `named`: upstream goes by the name that it is called."""
    settings = objects.context.platform.file.auth_proxy
    assert settings is not None  # refused before
    proxy = replace(work, name=f"{work.name}-proxy", component=f"{work.component}-proxy", suffix=f"{work.suffix}Proxy")
    objects.external[settings.secret] = ("client-id", "client-secret", "cookie-secret")

    def secret(key: str) -> Value:
        return {"secretKeyRef": {"name": settings.secret, "key": key}}

    env: dict[str, Value] = {
        "OAUTH2_PROXY_HTTP_ADDRESS": f"0.0.0.0:{PROXY}",
        "OAUTH2_PROXY_PROVIDER": "oidc",
        "OAUTH2_PROXY_OIDC_ISSUER_URL": settings.issuer,
        "OAUTH2_PROXY_CLIENT_ID": secret("client-id"),
        "OAUTH2_PROXY_CLIENT_SECRET": secret("client-secret"),
        "OAUTH2_PROXY_COOKIE_SECRET": secret("cookie-secret"),
        "OAUTH2_PROXY_COOKIE_NAME": f"_{proxy.name}".replace("-", "_"),
        "OAUTH2_PROXY_REDIRECT_URL": f"https://{wanted.host}/oauth2/callback",
        "OAUTH2_PROXY_UPSTREAMS": upstream,
        "OAUTH2_PROXY_EMAIL_DOMAINS": ",".join(settings.email_domains),
        **({"OAUTH2_PROXY_ALLOWED_GROUPS": ",".join(settings.groups)} if settings.groups else {}),
        "OAUTH2_PROXY_REVERSE_PROXY": "true",
        **({"OAUTH2_PROXY_PASS_HOST_HEADER": "false"} if named else {}),
        "OAUTH2_PROXY_SKIP_JWT_BEARER_TOKENS": "true",
        "OAUTH2_PROXY_SKIP_PROVIDER_BUTTON": "true",
    }
    volumes = Volumes(objects, work.node, work.origin)
    more = {"ports": workloads.ports(PROXY), **workloads.probes("/ping", 60)}
    asked = quantity.ours("50m", "64Mi", "256Mi")
    container = pod.our_container(objects, settings.image.text, volumes, env, {}, asked=asked, more=more)
    template = pod.template(
        objects,
        [container],
        volumes,
        node=work.node,
        component=proxy.component,
        role="proxy",
        restart="Always",
    )
    workloads.deployment(objects, proxy, template)
    workloads.service(objects, proxy, PROXY)
    return proxy.name
