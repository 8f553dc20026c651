#!/bin/sh
set -eu
export MLFLOW_TRACKING_USERNAME="${MLFLOW_ADMIN__USERNAME:?set it in /etc/mlflow/secrets.env}"
export MLFLOW_TRACKING_PASSWORD="${MLFLOW_ADMIN__PASSWORD:?set it in /etc/mlflow/secrets.env}"
export MLWRIGHT_USER_NAME="${MLFLOW_USER__USERNAME:?set it in /etc/mlflow/secrets.env}"
export MLWRIGHT_USER_PASSWORD="${MLFLOW_USER__PASSWORD:?set it in /etc/mlflow/secrets.env}"
exec python3 -S /etc/mlflow/runtime/users.py
