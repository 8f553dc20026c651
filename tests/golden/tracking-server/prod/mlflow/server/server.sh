#!/bin/sh
set -eu
export MLFLOW_BACKEND_STORE_URI="${MLFLOW_DB__URI:?set it in /etc/mlflow/secrets.env}"
export AWS_ACCESS_KEY_ID="${LAKE__AWS_ACCESS_KEY_ID:?set it in /etc/mlflow/secrets.env}"
export AWS_SECRET_ACCESS_KEY="${LAKE__AWS_SECRET_ACCESS_KEY:?set it in /etc/mlflow/secrets.env}"
export MLFLOW_AUTH_ADMIN_USERNAME="${MLFLOW_ADMIN__USERNAME:?set it in /etc/mlflow/secrets.env}"
export MLFLOW_AUTH_ADMIN_PASSWORD="${MLFLOW_ADMIN__PASSWORD:?set it in /etc/mlflow/secrets.env}"
export MLFLOW_FLASK_SERVER_SECRET_KEY="${MLFLOW_FLASK_SERVER_SECRET_KEY:?set it in /etc/mlflow/secrets.env}"
umask 077
printf 'database_uri = %s\n' "$MLFLOW_BACKEND_STORE_URI" | sed 's/%/%%/g' | cat /etc/mlflow/basic_auth.ini - > /tmp/basic_auth.ini
exec mlflow server --app-name basic-auth
