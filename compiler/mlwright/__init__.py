"""mlwright: one `mlproject.yaml` compiled into Compose, Kubernetes, Argo, Kubeflow and MLflow configuration."""

__version__ = "0.1.0"
