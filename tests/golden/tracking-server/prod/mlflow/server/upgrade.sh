#!/bin/sh
set -eu
export MLFLOW_BACKEND_STORE_URI="${MLFLOW_DB__URI:?set it in /etc/mlflow/secrets.env}"
mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"
python3 -m mlflow.server.auth db upgrade --url "$MLFLOW_BACKEND_STORE_URI"
