#!/bin/sh
set -eu
export OPENAI__OPENAI_API_KEY="${OPENAI__OPENAI_API_KEY:?set it in /etc/mlflow/gateway-secrets.env}"
exec mlflow gateway start --config-path /etc/mlflow/gateway.yaml --host 127.0.0.1 --port 5001
