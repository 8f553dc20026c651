"""The AI gateway: one pod, whose configuration is a ConfigMap and whose keys are variables."""

from __future__ import annotations

from mlwright.emit.gateway import FILE, resolve
from mlwright.emit.kube import pod, quantity, workloads
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import Workload
from mlwright.ir import Image, Origin
from mlwright.span import Path
from mlwright.target import Part
from mlwright_kubernetes import secrets
from mlwright_kubernetes.tracking import CONFIG

NODE = "tracking.gateway"


def emit_gateway(objects: Objects) -> None:
    """All objects of the gateway."""
    project = objects.project
    tracking = project.tracking
    gateway = resolve(tracking, project.secrets, config=CONFIG)
    origin = Origin(path=(*tracking.origin.path, "gateway"))
    work = Workload(name=objects.name("gateway"), node=NODE, component="gateway", origin=origin)
    endpoints: dict[Path, Origin] = {
        ("data", FILE, "endpoints", index): Origin(path=(*origin.path, "endpoints", endpoint))
        for index, (endpoint, _) in enumerate(tracking.gateway)
    }
    config = objects.config(
        work.name,
        {FILE: gateway.config},
        node=NODE,
        origin=origin,
        component=work.component,
        parts=(Part(node=NODE, kind="Gateway", at=("data", FILE)),),
        origins=endpoints,
    )
    volumes = Volumes(objects, NODE, origin)
    volumes.config("config", config, CONFIG)
    start = {"command": [gateway.argv[0]], "args": list(gateway.argv[1:])}
    more = {"ports": workloads.ports(gateway.port), **workloads.probes(gateway.health)}
    image = tracking.image if tracking.image.ref else Image(ref=objects.context.platform.mlflow_image())
    env = secrets.variables(objects, gateway.env)
    asked = quantity.ours("250m", "768Mi", "1536Mi")
    container = pod.our_container(objects, image, volumes, env, start, asked=asked, more=more)
    template = pod.template(
        objects, [container], volumes, node=NODE, component=work.component, role="gateway", restart="Always"
    )
    workloads.deployment(objects, work, template)
    workloads.service(objects, work, gateway.port)
