"""Which tracking server an environment has, and who asks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlwright import ir
from mlwright.remote.address import AddressError, find

ORIGIN = ir.Origin(path=("here",))


def project(platform: str = "compose", **fields: Any) -> ir.Project:
    return ir.Project(
        name="churn",
        environment=ir.Environment(name="prod", platform=platform, origin=ORIGIN),
        artifacts=ir.Storage(name="artifacts", type="mlflow", origin=ORIGIN),
        tracking=ir.Tracking(experiment="churn", origin=ORIGIN, **fields),
        secrets=tuple(ir.Secret(name=name, keys=("username", "password")) for name in ("user", "admin")),
    )


def test_the_option_is_stronger_than_the_variable_than_the_spec(tmp_path: Path) -> None:
    made = project(server="external", url="https://spec.example.com")
    environ = {"MLFLOW_TRACKING_URI": "https://env.example.com/"}
    assert find(made, tmp_path, environ, option="http://option:1/x/").url == "http://option:1/x"
    assert find(made, tmp_path, environ).url == "https://env.example.com"
    assert find(made, tmp_path, {}).url == "https://spec.example.com"


def test_compose_publishes_its_server_on_loopback(tmp_path: Path) -> None:
    made = project(options=ir.ServerOptions(static_prefix="/mlflow"))
    assert find(project(), tmp_path, {}).url == "http://127.0.0.1:5000"
    assert find(made, tmp_path, {}).url == "http://127.0.0.1:5000/mlflow"
    (tmp_path / ".env").write_text("MLWRIGHT_PORT_MLFLOW=5001\n")
    assert find(project(), tmp_path, {}).url == "http://127.0.0.1:5001"
    output = tmp_path / "manifests/prod/compose"
    output.mkdir(parents=True)
    (output / ".env").write_text("MLWRIGHT_PORT_MLFLOW=5002\n")
    assert find(project(), tmp_path, {}).url == "http://127.0.0.1:5002"
    assert find(project(), tmp_path, {"MLWRIGHT_PORT_MLFLOW": "5003"}).url == "http://127.0.0.1:5003"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "5000 "])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(AddressError, match="MLWRIGHT_PORT_MLFLOW in the process environment is not a port"):
        find(project(), tmp_path, {"MLWRIGHT_PORT_MLFLOW": port})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (project("local"), "only while `mlwright run` is at work: name one with --tracking-uri or MLFLOW_TRACKING_URI"),
        (project("platforms/prod.yaml"), "the environment prod does not say where its tracking server is reached"),
        (project(server="databricks", url="databricks"), "uses Databricks, which this command does not reach"),
    ],
)
def test_an_environment_without_a_server_says_what_to_give(tmp_path: Path, made: ir.Project, said: str) -> None:
    with pytest.raises(AddressError, match=said):
        find(made, tmp_path, {})


@pytest.mark.parametrize(
    "text", ["sqlite:///mlflow.db", "databricks", "./mlruns", "http://", "http://x:0", "http://x:p"]
)
def test_only_http_addresses_are_servers(tmp_path: Path, text: str) -> None:
    with pytest.raises(AddressError, match=r"MLFLOW_TRACKING_URI must be an http\(s\) address of an MLflow server"):
        find(project(), tmp_path, {"MLFLOW_TRACKING_URI": text})


def test_a_password_in_a_wrong_address_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(AddressError) as error:
        find(project(), tmp_path, {}, option="ftp://ann:s3cret@x")
    assert "s3cret" not in str(error.value)


def test_credentials_come_from_mlflows_own_variables_first(tmp_path: Path) -> None:
    made = project(auth=ir.Auth(type="basic", secret="user"))
    environ = {"USER__USERNAME": "spec", "USER__PASSWORD": "p"}
    named = {
        **environ,
        "MLFLOW_TRACKING_USERNAME": "env",
        "MLFLOW_TRACKING_PASSWORD": "q",
        "MLFLOW_TRACKING_TOKEN": "t",
    }
    token = {**environ, "MLFLOW_TRACKING_TOKEN": "t"}
    found = [find(made, tmp_path, values) for values in (environ, named, token)]
    assert [(c.username, c.password, c.token) for c in found] == [("spec", "p", ""), ("env", "q", ""), ("", "", "t")]


def test_credentials_of_the_specs_secrets_are_read_from_the_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ADMIN__USERNAME=root\nADMIN__PASSWORD='long one'\nUSER__USERNAME=u\n")
    made = find(project(auth=ir.Auth(type="basic", secret="user")), tmp_path, {}, accounts=("user", "admin"))
    assert (made.username, made.password) == ("root", "long one")
    assert find(project(auth=ir.Auth(type="basic", secret="user")), tmp_path, {}).username == ""


def test_an_account_in_the_address_is_used_and_not_shown(tmp_path: Path) -> None:
    made = find(project(), tmp_path, {}, option="http://ann:p%40ss@127.0.0.1:5000")
    assert (made.url, made.username, made.password) == ("http://127.0.0.1:5000", "ann", "p@ss")


def test_tls_is_set_as_for_mlflows_own_client(tmp_path: Path) -> None:
    environ = {"MLFLOW_TRACKING_INSECURE_TLS": "true", "MLFLOW_TRACKING_SERVER_CERT_PATH": "/etc/ca.pem"}
    made = find(project(), tmp_path, environ)
    assert (made.tls.insecure, made.tls.certificates) == (True, "/etc/ca.pem")


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "1e9"])
def test_patience_is_a_number_of_seconds(tmp_path: Path, text: str) -> None:
    with pytest.raises(AddressError, match="MLWRIGHT_PATIENCE must be a number of seconds"):
        find(project(), tmp_path, {"MLWRIGHT_PATIENCE": text})
    assert find(project(), tmp_path, {"MLWRIGHT_PATIENCE": "0"}).patience == 0


@pytest.mark.parametrize("fields", [{"platform": "compose", "owner": "mlflow"}, {"platform": "platforms/prod.yaml"}])
def test_a_server_on_a_machine_or_a_cluster_of_its_own_is_where_it_is_exposed(tmp_path: Path, fields: Any) -> None:
    exposed = ir.Expose(scope="host", host="ml.example.com")
    made = project(**fields, expose=exposed, options=ir.ServerOptions(static_prefix="/ml"))
    assert find(made, tmp_path, {}).url == "https://ml.example.com/ml"
