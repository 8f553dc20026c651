"""Rules of who can reach, read or do more than before."""

from __future__ import annotations

from mlwright.ir import Json
from mlwright.review.model import ObjectChange, Remark
from mlwright.review.risks.rule import (
    Rule,
    at,
    became,
    below,
    came,
    ceased,
    either,
    found,
    gained,
    gone,
    holds,
    inside,
    kinds,
    lost,
    part,
    some,
)
from mlwright.review.words.groups import image as parts_of

_LEVELS = ("none", "read", "use", "edit", "manage")
_PODS = ("privileged", "baseline", "restricted")
_WORKLOADS_HOST = ("hostNetwork", "hostPID", "hostIPC", "privileged", "allowPrivilegeEscalation")


def _opened(before: Json, after: Json) -> bool:
    """`expose` that has a host now, and had none."""
    return below(after, ("host",)) is not None and below(before, ("host",)) is None


def _log_in_gone(before: Json, after: Json) -> bool:
    """`expose` with a host that asks nobody, where it asked or was not there."""
    asks = below(after, ("auth",)) == "required"
    return (
        below(after, ("host",)) is not None and not asks and (before is None or below(before, ("auth",)) == "required")
    )


def _higher(before: Json, after: Json) -> bool:
    order = {level: rank for rank, level in enumerate(_LEVELS)}
    return order.get(str(after), -1) > order.get(str(before or "none"), 0)


def _less_restricted(before: Json, after: Json) -> bool:
    order = {level: rank for rank, level in enumerate(_PODS)}
    return order.get(str(after or "restricted"), 2) < order.get(str(before or "restricted"), 2)


def _any_host(before: Json, after: Json) -> bool:
    return "*" in _texts(after) and "*" not in _texts(before)


def _texts(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _hosts(change: ObjectChange) -> bool:
    keys = ("hosts", "host", "hostnames")
    return change.kind in ("Ingress", "HTTPRoute", "VirtualService", "Gateway") and any(
        _any_host(*pair) for key in keys for pair in found(change, key)
    )


def _rules(change: ObjectChange) -> bool:
    """A Role that may more, or a binding that was not there or has more subjects."""
    if change.kind in ("RoleBinding", "ClusterRoleBinding"):
        return change.action == "add" or any(gained(*pair) for pair in found(change, "subjects"))
    if change.kind not in ("Role", "ClusterRole"):
        return False
    keys = ("rules", "verbs", "resources", "apiGroups")
    return change.action == "add" or any(_more(*pair) for key in keys for pair in found(change, key))


def _more(before: Json, after: Json) -> bool:
    """Something in the lists of `after` that the same list of `before` does not have."""
    return gained(before, after) or (before is None and after is not None)


def _network(change: ObjectChange) -> bool:
    if change.kind not in ("NetworkPolicy", "AuthorizationPolicy", "PeerAuthentication"):
        return False
    if change.action == "remove":
        return True
    if change.action == "add":
        return False
    keys = ("ingress", "egress", "from", "to", "ports", "rules")
    fresh = any(field.added or gained(field.before, field.after) for field in change.fields if _about(field.path, keys))
    types = any(lost(*pair) for pair in found(change, "policyTypes"))
    return fresh or types or any(pair[1] == "PERMISSIVE" for pair in found(change, "mode"))


def _about(path: tuple[str | int, ...], keys: tuple[str, ...]) -> bool:
    return any(str(item) in keys for item in path)


def _loosened(change: ObjectChange) -> bool:
    flags = any(became(True)(*pair) for key in _WORKLOADS_HOST for pair in found(change, key))
    guards = any(after is False for key in ("runAsNonRoot",) for _, after in found(change, key))
    root = any(after == 0 and before != 0 for before, after in found(change, "runAsUser"))
    capabilities = any(gained(*pair) for pair in _capabilities(change))
    host = any(after is not None and before is None for before, after in found(change, "hostPath"))
    return flags or guards or root or capabilities or host


def _capabilities(change: ObjectChange) -> list[tuple[Json, Json]]:
    pairs = [(below(old, ("add",)), below(new, ("add",))) for old, new in found(change, "capabilities")]
    direct = [(field.before, field.after) for field in change.fields if field.path[-2:] == ("capabilities", "add")]
    return [*pairs, *direct]


def _token(change: ObjectChange) -> bool:
    return change.action != "remove" and any(
        after is True or (after is None and before is False)
        for before, after in found(change, "automountServiceAccountToken")
    )


def _registry(before: Json, after: Json) -> bool:
    if not isinstance(before, str) or not isinstance(after, str):
        return False
    return _host(before) != _host(after)


def _host(ref: str) -> str:
    first, slash, _ = parts_of(ref)[0].partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def _unguarded(remark: Remark) -> bool:
    """A way in for everybody: of an endpoint that came, or of one that had none or asked."""
    if remark.path[-1:] == ("expose",):
        return _log_in_gone(remark.before, remark.after)
    return remark.before is None and any(_log_in_gone(None, value) for _, value in inside(remark.after, ("expose",)))


def _fewer(before: Json, after: Json) -> bool:
    return lost(before, after) or gone(before, after)


RULES = (
    Rule(
        id="exposed",
        risk="security",
        reason="It can be reached from outside the cluster, which it could not before.",
        remark=either(
            at("**.expose", when=_opened),
            lambda remark: (
                remark.before is None and any(_opened(None, value) for _, value in inside(remark.after, ("expose",)))
            ),
        ),
        change=some(
            kinds("Ingress", "HTTPRoute", "Gateway", "VirtualService", actions=("add",)),
            holds("Service", key="type", when=lambda before, after: after in ("LoadBalancer", "NodePort")),
            holds("service", key="ports", when=gained),
        ),
    ),
    Rule(
        id="log-in-removed",
        risk="security",
        reason="Everybody who can reach the address gets in: nothing asks who they are.",
        remark=either(
            _unguarded,
            at("tracking.auth.type", when=ceased("basic")),
            at("tracking.auth", "platform.auth_proxy", when=gone),
        ),
        change=kinds("RequestAuthentication", actions=("remove",)),
    ),
    Rule(
        id="any-host",
        risk="security",
        reason="`*` takes requests for every host name or from every page.",
        remark=at("tracking.options.allowed_hosts", "tracking.options.cors", "**.email_domains", when=_any_host),
        change=_hosts,
    ),
    Rule(
        id="permission-raised",
        risk="security",
        reason="People may do more on the tracking server than before.",
        remark=at(
            "tracking.permissions.*.*", "tracking.auth.default_permission", "platform.namespaces.*.contributors.*",
            when=lambda before, after: _higher(before, after) or (came(before, after) and after in ("view", "admin")),
        ),
    ),
    Rule(
        id="network-opened",
        risk="security",
        reason="More pods or addresses than before may connect.",
        remark=either(
            at("platform.network.policies", when=became(False)),
            at("platform.network.allow_from", "platform.network.pod_cidrs", when=gained),
            at("platform.mesh.mtls", when=ceased("strict")),
        ),
        change=_network,
    ),
    Rule(
        id="rights-added",
        risk="security",
        reason="A service account may do more in the cluster than before.",
        change=_rules,
    ),
    Rule(
        id="identity-changed",
        risk="security",
        reason="The program runs as another identity, with whatever that may reach.",
        remark=at("**.identity", "platform.identities.*.service_account", "platform.identities.*.annotations.*"),
        change=holds(key="serviceAccountName", when=lambda before, after: before is not None and after is not None),
    ),
    Rule(
        id="privileges-added",
        risk="security",
        reason="The container may do more to its node: root, capabilities, or the node's own files and network.",
        remark=either(
            part("security", "run_as_root", when=came),
            at("**.security.read_only_root_filesystem", when=became(False)),
            at("platform.pod_security", when=_less_restricted),
        ),
        change=_loosened,
    ),
    Rule(
        id="token-mounted",
        risk="security",
        reason="Its program, and everything in its image, can call the Kubernetes API as the pod's service account.",
        change=_token,
    ),
    Rule(
        id="other-registry",
        risk="security",
        reason="The image comes from another registry: whoever can push there decides what runs.",
        remark=either(at("**.image.ref", when=_registry), at("platform.images.registry", "platform.images.mirrors.*")),
        change=holds(key="image", when=_registry),
    ),
    Rule(
        id="remote-writes",
        risk="security",
        reason="Whoever runs this environment on a laptop from now on writes to shared stores.",
        remark=at("environments.*.allow_remote_writes", when=became(True)),
    ),
    Rule(
        id="policy-removed",
        risk="security",
        reason="A policy that refused some output is no longer asked.",
        remark=at("policies", "platform.policies", when=_fewer),
        change=kinds("ValidatingAdmissionPolicy", "ClusterPolicy", "Policy", "ResourceQuota", actions=("remove",)),
    ),
)  # fmt: skip
"""In the order of the reference."""
