"""The Kubeflow target: Pipelines, Katib, Trainer, KServe, Notebooks, Profiles and the dashboard."""

from mlwright_kubeflow.target import KubeflowTarget

__all__ = ["KubeflowTarget"]
