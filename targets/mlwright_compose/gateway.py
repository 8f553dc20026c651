"""The AI gateway as a Compose service."""

from __future__ import annotations

from typing import Any

from mlwright.emit.gateway import FILE, resolve
from mlwright.ir import Image, Origin
from mlwright.span import Path
from mlwright.target import Document, Part
from mlwright_compose.book import Book
from mlwright_compose.container import image, labels, ours
from mlwright_compose.tracking import CONFIG, environment, fetch, loopback

NODE = "tracking.gateway"
_NAME = "gateway"


def emit_gateway(book: Book, ports: set[int]) -> None:
    """The service `gateway`, where the project has endpoints for it."""
    tracking = book.project.tracking
    if not tracking.gateway:
        return
    gateway = resolve(tracking, book.project.secrets, config=CONFIG)
    origin = Origin(path=(*tracking.origin.path, "gateway"))
    name = book.free(_NAME)
    endpoints: dict[Path, Origin] = {
        ("endpoints", index): Origin(path=(*origin.path, "endpoints", endpoint))
        for index, (endpoint, _) in enumerate(tracking.gateway)
    }
    book.file(
        Document(
            path=f"{_NAME}/{FILE}",
            data=gateway.config,
            origins={(): origin, **endpoints},
            parts=(Part(node=NODE, kind="Gateway"),),
        )
    )
    book.configs[name] = {"file": f"./{_NAME}/{FILE}"}
    book.origin(("configs", name), origin)
    ports.add(gateway.port)
    body: dict[str, Any] = {
        **image(book, tracking.image if tracking.image.ref else Image(ref=book.context.platform.mlflow_image())),
        "command": list(gateway.argv),
        "environment": {**environment(book, gateway.env), "HOME": "/tmp", "USER": "mlwright"},
        "configs": [{"source": name, "target": f"{CONFIG}/{FILE}"}],
        "tmpfs": ["/tmp:mode=1777"],
        "ports": [loopback(name, gateway.port, gateway.port)],
        "healthcheck": {
            "test": ["CMD", "python3", "-c", fetch(f"http://127.0.0.1:{gateway.port}{gateway.health}")],
            "interval": "5s",
            "timeout": "5s",
            "retries": 24,
            "start_period": "60s",
        },
        "restart": "on-failure",
        "init": True,
        **ours(),
        "labels": labels(book, NODE),
    }
    book.service(name, body, node=NODE, kind="Service", origin=origin)
