"""The Argo target: workflows, schedules, events, and the applications that bring them to a cluster."""

from mlwright_argo.target import ArgoTarget

__all__ = ["ArgoTarget"]
