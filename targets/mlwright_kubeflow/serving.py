"""Endpoints as KServe's InferenceServices, routes as InferenceGraphs."""

from __future__ import annotations

from mlwright.emit.kube.objects import Objects
from mlwright.ir import Route, Service


def emit_endpoint(objects: Objects, service: Service) -> None:
    """One endpoint."""


def emit_route(objects: Objects, route: Route) -> None:
    """An address in front of several endpoints."""
