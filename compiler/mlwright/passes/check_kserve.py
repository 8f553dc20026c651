"""Endpoints and routes on KServe: what its parts cannot do, as the specification asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.check_language import check_language
from mlwright.platform import Profile
from mlwright.platform.kserve import FETCHED, SERVERS, elsewhere, format_of, has_own, is_split, is_weighed, served_as
from mlwright.platform.kserve import knative as by_knative
from mlwright.regex import lazy
from mlwright.source.suggest import closest
from mlwright.span import Path

_REFERENCE = lazy(r"\$\{(storage|data)\.([^.}]+)(?:\.uri)?\}.*", re.DOTALL)
_FOLDER = ("stored", "scored", "model", "language")
"""Who reads a model that KServe fetches."""
_REQUESTS = frozenset({"rps", "concurrency"})


def check_kserve(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterable[Diagnostic]:
    """KSERVE001-009 for endpoints and routes of KServe's, KUBE006 for hosts and KUBE007 for sleep. `owners` maps node
    ids to targets."""
    for service in project.services:
        if owners.get(service.id) != "kubeflow":
            continue
        served = served_as(service, profile)
        if served == "language":
            yield from check_language(service, profile)
        else:
            yield from _speaks(service, served)
            yield from _parts(service, project, profile)
            yield from _asleep(service, profile)
            yield from _reached(service.id, service.expose, (*service.origin.path, "expose"), profile)
        if served in _FOLDER:
            yield from _fetched(service, project)
        yield from _variables(service, profile)
    for route in project.routes:
        if owners.get(route.id) == "kubeflow":
            yield from _routed(route, project, profile)


def _fetched(service: ir.Service, project: ir.Project) -> Iterator[Diagnostic]:
    """Models that KServe fetches are at an address that it knows."""
    for path, source in _sources(service):
        address = _address(source, project)
        scheme = address.partition("://")[0] if "://" in address else address.partition(":")[0]
        if address and "://" in address and scheme in FETCHED:
            continue
        through = source.kind == "registry" or scheme in ("mlflow-artifacts", "models", "runs")
        what = f"`{address}`" if address else "an address that nobody knows"
        yield Diagnostic(
            code="KSERVE001",
            message=f"KServe cannot fetch the model of `{service.id}`: it is at {what}",
            at=Label(path=path, text="only MLflow's tracking server reads this" if through else "not a place it reads"),
            help="write `storage: proxied`, which fetches it through the tracking server"
            if through and not elsewhere(service.format)
            else "keep models in an object store (`tracking.artifacts: {type: s3, uri: ...}`), and lock them again"
            if through
            else f"give an address of one of: {', '.join(FETCHED)}",
        )


def _sources(service: ir.Service) -> Iterator[tuple[Path, ir.ModelSource]]:
    path = service.origin.path
    yield (*path, "model"), service.source
    for variant in service.variants:
        yield (*path, "variants", variant.name, "model"), variant.source


def _address(source: ir.ModelSource, project: ir.Project) -> str:
    found = _REFERENCE.fullmatch(source.uri)
    if found is None:
        return source.uri
    if found[1] == "data":
        return next((item.source for item in project.data if item.name == found[2] and not item.local), "")
    for storage in (*project.storage, project.artifacts):
        if storage.name == found[2]:
            return f"pvc://{storage.name}" if storage.type == "volume" else storage.uri
    return ""


def _speaks(service: ir.Service, served: str) -> Iterator[Diagnostic]:
    """KSERVE002 for MLflow's models in KServe's own server, KSERVE003 for protocols and formats."""
    name, _ = format_of(service.format)
    own = served == "model" and not service.runtime
    if (own or (served == "launched" and not has_own(service))) and name not in (*SERVERS, *(() if own else ("",))):
        yield _nobody(service, name)
    elif own:
        if name == "mlflow":
            yield _stuck(service)
        yield from _spoken(service, SERVERS[name].protocols, f"KServe's server for `{name}`", "runtime")
    elif served in ("launched", "scored") and not has_own(service):
        yield from _spoken(service, ("mlflow",), "MLflow's scoring server", "")


def _nobody(service: ir.Service, name: str) -> Diagnostic:
    near = closest(name, sorted(SERVERS))
    return Diagnostic(
        code="KSERVE003",
        message=f"no server of KServe's loads models of format `{name}`" if name else "nobody loads this model",
        at=Label(path=(*service.origin.path, "format" if name else "model")),
        help=f"did you mean `{near}`?" if near else "name a `runtime` of the platform, or bring an image and a command",
    )


def _spoken(service: ir.Service, known: tuple[str, ...], who: str, instead: str) -> Iterator[Diagnostic]:
    path = service.origin.path
    for position, protocol in enumerate(service.protocols):
        if protocol in known or (protocol == "open-inference-v2" and known == ("mlflow",)):  # SERVE005
            continue
        yield Diagnostic(
            code="KSERVE003",
            message=f"{who} does not speak `{protocol}`",
            at=Label(path=(*path, "protocols", position)),
            related=(Label(path=(*path, "format"), text="serves it"),),
            help=f"write `protocols: [{known[0]}]`" + (f", or name a `{instead}` that does" if instead else ""),
        )


def _stuck(service: ir.Service) -> Diagnostic:
    return Diagnostic(
        code="KSERVE002",
        message=f"KServe's own server for MLflow models may not read the model of `{service.id}`: it has MLflow 2",
        at=Label(path=(*service.origin.path, "format"), text="no image, so the platform's server reads it"),
        help="give the training's image (`image: ...`), in which MLflow's own server reads it; or `storage: proxied`",
        severity="warning",
    )


def _parts(service: ir.Service, project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    """KSERVE004 for what batches, KSERVE005 for what keeps requests, KSERVE006 for large models without their servers,
    KSERVE007 for copies of requests, KSERVE009 for routers."""
    path, extra = service.origin.path, dict(service.extra)
    if service.batcher and service.protocols[0] != "open-inference-v1":
        yield Diagnostic(
            code="KSERVE004",
            message=f"KServe puts requests of `open-inference-v1` together, and `{service.id}` speaks "
            f"`{service.protocols[0]}`",
            at=Label(path=(*path, "batcher"), on="key"),
            help="leave `batcher` out, or let a server of KServe's load the model: `protocols: [open-inference-v1]`",
        )
    if isinstance(log := extra.get("log"), dict):
        yield from _kept(service, str(log["to"]), project, profile)
    for field in ("adapters", "roles"):
        if field in extra:
            yield _unspread(service, field, "LLMInferenceService can do this, which this endpoint is none of")
    if "parallel" in extra and (format_of(service.format)[0] not in ("huggingface", "vllm") or service.runtime):
        yield _unspread(service, "parallel", "only servers of large language models spread one over GPUs")
    elif "parallel" in extra and (service.parallel.pipeline, service.parallel.data, service.parallel.expert) != (
        1,
        1,
        False,
    ):
        yield _unspread(
            service, "parallel", "the Hugging Face server spreads layers over the GPUs of one pod (`tensor`)"
        )
    if not is_split(service, profile):
        return
    for variant in service.variants:
        if variant.traffic < 0:
            yield Diagnostic(
                code="KSERVE007",
                message=f"`{variant.name}` gets a copy of each request to `{service.id}`: KServe's router makes none",
                at=Label(path=(*path, "variants", variant.name, "traffic")),
                related=(profile.label(project.environment.name, text="no Gateway or mesh that does"),),
                help="give it a percentage, 0 to keep it warm; or add `gateway_api` with `gateway` or `istio` to the "
                "platform file",
            )
    yield from _unrestricted(service.id, (*path, "variants"), profile, "; or let a Gateway share requests")


def _unspread(service: ir.Service, field: str, why: str) -> Diagnostic:
    return Diagnostic(
        code="KSERVE006",
        message=f"`{service.id}` cannot have `{field}` here: {why}",
        at=Label(path=(*service.origin.path, field), on="key"),
        help=f"leave `{field}` out; or serve it by `protocols: [openai]` where the platform has KServe 0.16 or later",
    )


def _kept(service: ir.Service, to: str, project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    address = _address(ir.ModelSource(uri=to), project)
    scheme = address.partition("://")[0]
    if scheme in ("http", "https") or (scheme == "s3" and profile.has("kserve_log_storage")):
        return
    why = "before 0.16, it sends them to an address" if scheme == "s3" else "it keeps them in S3, or sends them"
    yield Diagnostic(
        code="KSERVE005",
        message=f"KServe does not keep requests of `{service.id}` in {address or to}: {why}",
        at=Label(path=(*service.origin.path, "log", "to")),
        help="write the address of a collector (`to: http://...`), a storage of type s3, or leave `log` out",
    )


def _asleep(service: ir.Service, profile: Profile) -> Iterator[Diagnostic]:
    measures = {measure for measure, _ in service.replicas.target}
    awake = not measures or measures & _REQUESTS if by_knative(profile) else measures & _REQUESTS
    if service.replicas.min == 0 and not awake:
        yield Diagnostic(
            code="KUBE007",
            message=f"`{service.id}` may sleep, and nothing that it follows wakes it",
            at=Label(path=(*service.origin.path, "replicas", "min")),
            help="follow requests (`target: {rps: 10}`), or write `min: 1`",
        )


def _reached(id: str, expose: ir.Expose, path: Path, profile: Profile) -> Iterator[Diagnostic]:
    """A path below a host is taken away before the program sees it, which a Gateway can do."""
    if expose.scope != "host" or expose.path == "/":
        return
    if expose.auth == "required":
        why = "a log-in needs the whole host: it comes back to a path of its own"
    elif by_knative(profile):
        why = "Knative leads a whole host to one endpoint"
    elif profile.file.gateway is None:
        why = "an Ingress cannot take the path away before the program sees it"
    else:
        return
    yield Diagnostic(
        code="KUBE006",
        message=f"`{id}` cannot be exposed below {expose.path}: {why}",
        at=Label(path=(*path, "path")),
        help="expose it by a host of its own, without `path`",
    )


def _variables(service: ir.Service, profile: Profile) -> Iterator[Diagnostic]:
    """KSERVE008: since 0.18, KServe takes no container that says where Python looks for modules."""
    if not profile.at_least("kubeflow.kserve", "0.18"):
        return
    boxes = [(service.origin.path, service.container)]
    boxes += [((*service.origin.path, kind), part.container) for kind, part in service.components]
    for path, box in boxes:
        if any(name == "PYTHONPATH" for name, _ in box.env):
            yield Diagnostic(
                code="KSERVE008",
                message=f"KServe refuses `{service.id}`: it takes no container with the variable PYTHONPATH",
                at=Label(path=(*path, "env", "PYTHONPATH"), on="key"),
                help="install the modules into the image, or set the variable in a command that is text",
            )


def _routed(route: ir.Route, project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    path = route.origin.path
    yield from _reached(route.id, route.expose, (*path, "expose"), profile)
    if is_weighed(route, project.services, profile):
        return
    services = {service.id: service for service in project.services}
    for position, leg in enumerate(route.legs):
        found = services.get(leg.to)
        if found and served_as(found, profile) == "language":
            yield Diagnostic(
                code="KSERVE006",
                message=f"`{route.id}` cannot lead to `{found.id}`: KServe's router does not trust the certificate of "
                "large language models",
                at=Label(path=(*path, "to", position)),
                help="call it by itself; or write `kserve: {language_models: false}` in the platform file",
            )
    more = "; or let a Gateway share requests" if route.mode == "split" else ""
    yield from _unrestricted(route.id, (*path, "mode"), profile, more)


def _unrestricted(id: str, path: Path, profile: Profile, more: str) -> Iterator[Diagnostic]:
    if profile.file.pod_security != "restricted" or by_knative(profile):
        return
    yield Diagnostic(
        code="KSERVE009",
        message=f"`{id}` needs a router of KServe's, which a namespace of level restricted does not let start",
        at=Label(path=path, on="key"),
        help=f"`pod_security: baseline` in the platform file says that the namespace does{more}",
        severity="warning",
    )
