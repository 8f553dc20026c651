"""The Kubernetes target: what a plain cluster runs, and what every cluster environment has in common."""

from mlwright_kubernetes.target import KubernetesTarget

__all__ = ["KubernetesTarget"]
