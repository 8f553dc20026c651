#!/bin/sh
set -eu
export MLFLOW_BACKEND_STORE_URI="${MLFLOW_DB__URI:?set it in /etc/mlflow/secrets.env}"
export AWS_ACCESS_KEY_ID="${LAKE__AWS_ACCESS_KEY_ID:?set it in /etc/mlflow/secrets.env}"
export AWS_SECRET_ACCESS_KEY="${LAKE__AWS_SECRET_ACCESS_KEY:?set it in /etc/mlflow/secrets.env}"
export MLFLOW_TRACKING_USERNAME="${MLFLOW_ADMIN__USERNAME:?set it in /etc/mlflow/secrets.env}"
export MLFLOW_TRACKING_PASSWORD="${MLFLOW_ADMIN__PASSWORD:?set it in /etc/mlflow/secrets.env}"
exec mlflow gc --older-than 30d --backend-store-uri "$MLFLOW_BACKEND_STORE_URI" --artifacts-destination "$MLFLOW_ARTIFACTS_DESTINATION"
