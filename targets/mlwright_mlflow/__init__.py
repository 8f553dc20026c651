"""The MLflow target: an MLproject, the tracking server of a VM, the AI gateway, and the settings of clients."""

from mlwright_mlflow.target import MlflowTarget

__all__ = ["MlflowTarget"]
