"""The Compose target: one `compose.yaml` with the tracking server, the pipeline and the endpoints."""

from mlwright_compose.target import ComposeTarget

__all__ = ["ComposeTarget"]
