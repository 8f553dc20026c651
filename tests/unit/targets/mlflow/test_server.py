"""The tracking server of a machine of its own: files, scripts, units of systemd, and what is in none of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright import ir
from mlwright.emit import files
from mlwright.testing import programs
from mlwright.testing.programs import origin, task
from mlwright_compose import ComposeTarget
from mlwright_mlflow import MlflowTarget
from mlwright_mlflow.calendar import events

ANALYZE = shutil.which("systemd-analyze")
systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed (package systemd)")
SECRETS = (
    ir.Secret(name="mlflow-db", keys=("uri",)),
    ir.Secret(name="mlflow-user", keys=("username", "password")),
    ir.Secret(name="mlflow-admin", keys=("username", "password")),
    ir.Secret(name="lake", keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
)
WHOLE: dict[str, Any] = {
    "backend": ir.Database(type="postgres", secret="mlflow-db"),
    "artifacts": ir.ArtifactStore(type="s3", uri="s3://acme/mlflow", secret="lake"),
    "auth": ir.Auth(type="basic", secret="mlflow-user", admin="mlflow-admin"),
    "options": ir.ServerOptions(
        static_prefix="/mlflow", prometheus=True, gc_older_than="30d", gc_schedule="0 4 1,15 * mon-fri"
    ),
    "resources": ir.Resources(memory=2 * 1024**3, cpu_limit=1500),
}


def project(**tracking: Any) -> ir.Project:
    expose = ir.Expose(scope="host", host="mlflow.example.com")
    made = programs.tracking(owner="mlflow", expose=expose, **tracking)
    return programs.project(task("steps.a", "echo"), tracking=made, secrets=SECRETS)


def emitted(**tracking: Any) -> dict[str, str]:
    context = programs.context(owners={"tracking": "mlflow"})
    made = files.render([("mlflow", MlflowTarget().emit(project(**tracking), context))])
    return {path.removeprefix("mlflow/"): data.decode() for path, data in made.files.items()}


def settings(text: str) -> dict[str, str]:
    """The settings of an environment file, or of a unit."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and line[0] not in "#[")
    return {name: value for name, _, value in pairs}


def test_a_plain_server_keeps_everything_in_its_state_directory() -> None:
    made = emitted()
    assert set(made) == {"client.env"} | {
        f"server/{name}"
        for name in (
            *("README.md", "requirements.txt", "secrets.env.example", "server.env", "server.sh"),
            *("upgrade.env", "upgrade.sh", "mlflow.service", "mlflow-upgrade.service"),
        )
    }
    env = settings(made["server/server.env"])
    assert env["MLFLOW_BACKEND_STORE_URI"] == "sqlite:////var/lib/mlflow/mlflow.db"
    assert env["MLFLOW_ARTIFACTS_DESTINATION"] == "/var/lib/mlflow/artifacts"
    assert env["MLFLOW_HOST"] == "127.0.0.1"
    assert env["MLFLOW_SERVER_ALLOWED_HOSTS"] == "localhost:*,127.0.0.1:*,mlflow.example.com"
    assert made["server/requirements.txt"] == "mlflow==3.17.2\n"
    assert made["server/server.sh"] == "#!/bin/sh\nset -eu\nexec mlflow server\n"


def test_secrets_are_names_in_an_example_and_references_in_scripts() -> None:
    made = emitted(**WHOLE)
    assert settings(made["server/secrets.env.example"]) == dict.fromkeys(
        [
            *("MLFLOW_DB__URI", "LAKE__AWS_ACCESS_KEY_ID", "LAKE__AWS_SECRET_ACCESS_KEY"),
            *("MLFLOW_ADMIN__USERNAME", "MLFLOW_ADMIN__PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY"),
            *("MLFLOW_USER__USERNAME", "MLFLOW_USER__PASSWORD"),
        ],
        "",
    )
    secret = {"MLFLOW_BACKEND_STORE_URI", "AWS_SECRET_ACCESS_KEY", "MLFLOW_AUTH_ADMIN_PASSWORD"}
    assert not secret & set(settings(made["server/server.env"]))
    line = 'export MLFLOW_BACKEND_STORE_URI="${MLFLOW_DB__URI:?set it in /etc/mlflow/secrets.env}"'
    assert [line in made[f"server/{name}.sh"] for name in ("server", "upgrade", "gc", "users")] == [True] * 3 + [False]
    assert "MLWRIGHT_USER_PASSWORD" in made["server/users.sh"]


def test_a_missing_secret_stops_the_script_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "server.sh"
    path.write_text(emitted(**WHOLE)["server/server.sh"])
    done = subprocess.run(["/bin/sh", str(path)], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "MLFLOW_DB__URI: set it in /etc/mlflow/secrets.env" in done.stderr


def test_pip_installs_what_the_stores_need() -> None:
    assert emitted(**WHOLE)["server/requirements.txt"].split() == [
        *("mlflow[auth]==3.17.2", "psycopg2-binary", "boto3", "prometheus-flask-exporter"),
    ]
    made = emitted(registry=ir.Database(type="mysql", secret="mlflow-db"), artifacts=ir.ArtifactStore(type="azure"))
    assert made["server/requirements.txt"].split() == [
        *("mlflow==3.17.2", "PyMySQL", "azure-storage-blob", "azure-identity"),
    ]


def test_the_units_are_started_in_order_and_may_do_little() -> None:
    made = emitted(**WHOLE)
    server, upgrade = settings(made["server/mlflow.service"]), settings(made["server/mlflow-upgrade.service"])
    assert server["Requires"] == "mlflow-upgrade.service"
    assert "mlflow-upgrade.service" in server["After"]
    assert (upgrade["Type"], upgrade["Before"]) == ("oneshot", "mlflow.service")
    assert (server["MemoryMax"], server["CPUQuota"]) == (str(2 * 1024**3), "150%")
    for unit in (server, upgrade, settings(made["server/mlflow-gc.service"])):
        assert unit["ProtectSystem"] == "strict"
        assert unit["NoNewPrivileges"] == unit["DynamicUser"] == "yes"
        assert unit["ReadWritePaths"] == "/var/lib/mlflow"
    assert made["server/mlflow-gc.timer"].count("OnCalendar=") == 2


def test_without_a_schedule_people_start_the_removal() -> None:
    options = replace(WHOLE["options"], gc_schedule="")
    made = emitted(**{**WHOLE, "options": options})
    assert "server/mlflow-gc.service" in made
    assert "server/mlflow-gc.timer" not in made
    assert "mlflow-gc.timer" not in made["server/README.md"]


def test_the_readme_names_files_that_are_there() -> None:
    for tracking in ({}, WHOLE):
        made = emitted(**tracking)
        text = made["server/README.md"]
        copied = re.search(r"cp -r (.*) /etc/mlflow/", text)
        assert copied
        for pattern in copied[1].split():
            assert any(Path(path).match(f"server/{pattern}") or f"/{pattern}/" in path for path in made), pattern
        for unit in re.findall(r"enable --now (.*)", text)[0].split():
            assert "WantedBy" in made[f"server/{unit}"]


def test_compose_uses_the_server_at_its_address() -> None:
    made = files.render([("compose", ComposeTarget().emit(project(**WHOLE), programs.context(owners={
        "tracking": "mlflow"})))])  # fmt: skip
    services = yaml.safe_load(made.files["compose/compose.yaml"])["services"]
    assert "mlflow" not in services
    assert services["a"]["environment"]["MLFLOW_TRACKING_URI"] == "https://mlflow.example.com/mlflow"
    assert "mlflow" not in services["a"]["depends_on"]


@pytest.mark.parametrize(
    ("server", "url"), [("external", "https://mlflow.example.com/x"), ("databricks", "databricks://prod")]
)
def test_of_a_server_that_exists_only_clients_have_settings(server: Any, url: str) -> None:
    made = emitted(server=server, url=url, auth=WHOLE["auth"])
    assert set(made) == {"client.env"}
    assert settings(made["client.env"])["MLFLOW_TRACKING_URI"] == url


def test_clients_of_a_databricks_workspace_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.legacy_databricks_cli.configure.provider import EnvironmentVariableConfigProvider

    made = emitted(server="databricks", url="databricks", host="https://acme.cloud.databricks.com")["client.env"]
    for name, value in settings(made).items():
        monkeypatch.setenv(name, value)
    assert "# DATABRICKS_TOKEN=\n" in made
    monkeypatch.setenv("DATABRICKS_TOKEN", "the-token")
    assert EnvironmentVariableConfigProvider().get_config().host == "https://acme.cloud.databricks.com"
    by_profile = emitted(server="databricks", url="databricks://prod", host="https://acme.cloud.databricks.com")
    assert "DATABRICKS_HOST" not in by_profile["client.env"]


@systemd
def test_systemd_accepts_the_units_and_finds_little_exposed(tmp_path: Path) -> None:
    assert ANALYZE
    made = emitted(**{**WHOLE, "origin": origin("tracking")})
    paths = [tmp_path / Path(path).name for path in made if path.endswith((".service", ".timer"))]
    for path in paths:
        path.write_text(made[f"server/{path.name}"])
    done = subprocess.run([ANALYZE, "verify", *map(str, paths)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for path in paths:
        if path.suffix == ".service":
            command = [ANALYZE, "security", "--offline=true", "--threshold=30", str(path)]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            assert said.returncode == 0, said.stdout


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 4 * * 0", ["Sun *-*-* 04:00:00"]),
        ("*/15 * * * *", ["*-*-* *:00,15,30,45:00"]),
        ("5/20 9-17/4 * jan,JUL *", ["*-01,07-* 09,13,17:05,25,45:00"]),
        ("30 2 31 12 *", ["*-12-31 02:30:00"]),
        ("0 0 1 * MON-fri", ["Mon,Tue,Wed,Thu,Fri *-*-* 00:00:00", "*-*-01 00:00:00"]),
        ("0 0 */2 * 1", ["Mon *-*-" + ",".join(f"{d:02}" for d in range(1, 32, 2)) + " 00:00:00"]),
        ("0 0 * * */3", ["Sun,Wed,Sat *-*-* 00:00:00"]),
    ],
)
def test_cron_means_the_same_to_systemd(cron: str, expected: list[str]) -> None:
    assert events(cron) == expected
    for event in expected if ANALYZE else ():
        said = subprocess.run([str(ANALYZE), "calendar", event], capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
