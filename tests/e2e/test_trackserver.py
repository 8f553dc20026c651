"""The tracking server as it is resolved, started for real: every database, every artifact store, users, clean-up."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import Postgres
from tests.postgres import missing as missing_postgres
from tests.servers import answers, free_port, running

from mlwright import ir
from mlwright.emit.trackserver import SESSION_KEY, Place, Server, resolve

pytestmark = [pytest.mark.server, pytest.mark.slow]
ORIGIN = ir.Origin(path=("tracking",))
RUNTIME = Path(__file__).parents[2] / "compiler" / "mlwright" / "runtime"
USER, ADMIN = ("pipeline", "pipeline-password"), ("boss", "boss-password-1")
SECRETS = (
    ir.Secret(name="db", keys=("uri",)),
    ir.Secret(name="lake", keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    ir.Secret(name="user", keys=("username", "password")),
    ir.Secret(name="admin", keys=("username", "password")),
)


@dataclass(kw_only=True)
class Running:
    """A server that answers, and its jobs."""

    server: Server
    values: Mapping[str, str]
    folder: Path
    up: ExitStack = field(default_factory=ExitStack)

    def env(self, given: tuple[tuple[str, ir.Template], ...]) -> dict[str, str]:
        """The environment as its owner would give it: secrets filled in, this Python's programs first."""
        bare = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "AWS_"))}
        made = {name: "".join(p if isinstance(p, str) else self.values[p.path] for p in value) for name, value in given}
        return bare | {"PATH": f"{Path(sys.executable).parent}:{bare['PATH']}"} | made

    def job(self, *argv: str, env: tuple[tuple[str, ir.Template], ...]) -> str:
        done = subprocess.run(argv, env=self.env(env), cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout + done.stderr

    def start(self) -> None:
        self.job(*self.server.upgrade.argv, env=self.server.upgrade.env)
        ready = self.address(self.server.health)
        self.up.enter_context(
            running(self.server.argv, lambda: answers(ready), self.folder / "server.log", env=self.env(self.server.env))
        )

    def stop(self) -> None:
        self.up.close()

    @property
    def api(self) -> str:
        """The path below which MLflow's REST interface is."""
        return self.server.health.removesuffix("/health") + "/api/2.0/mlflow"

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.port}{path}"

    def ask(
        self, method: str, path: str, body: Any = None, *, user: tuple[str, str] = ("", ""), host: str = ""
    ) -> tuple[int, Any]:
        """(status, answer) of one request below the API, or of a file behind the artifact proxy."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address(path), data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if user[0]:
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(user).encode()).decode())
        if host:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def call(self, method: str, path: str, body: Any = None, user: tuple[str, str] = ("", "")) -> Any:
        status, answer = self.ask(method, f"{self.api}/{path}", body, user=user)
        assert status == 200, answer
        return json.loads(answer)


def serve(folder: Path, tracking: ir.Tracking, values: Mapping[str, str], **place: Any) -> Running:
    port = free_port()
    where = Place(
        folder=str(folder),
        config=str(folder / "config"),
        scratch=str(folder / "scratch"),
        host="127.0.0.1",
        port=port,
        hosts=("127.0.0.1:*",),
        url=f"http://127.0.0.1:{port}",
        **place,
    )
    server = resolve(tracking, SECRETS, where)
    for name in ("config", "scratch"):
        (folder / name).mkdir()
    for name, text in server.files:
        (folder / "config" / name).write_text(text)
    keys = {"user": USER, "admin": ADMIN}
    users = {
        f"secrets.{n}.{k}": v for n, pair in keys.items() for k, v in zip(("username", "password"), pair, strict=True)
    }
    running = Running(server=server, values={SESSION_KEY: "key" * 8, **users, **values}, folder=folder)
    try:
        running.start()
    except BaseException:
        running.stop()
        raise
    return running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    if why := missing_postgres():
        pytest.skip(f"PostgreSQL's programs are not here: {why}")
    with tempfile.TemporaryDirectory(prefix="postgres-") as top:
        os.chmod(top, 0o755)  # its own user has to get there
        database = Postgres(Path(top) / "own")
        yield database
        database.stop()


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def record(running: Running, user: tuple[str, str] = ("", "")) -> str:
    """A run with a metric and a file, read back; its id."""
    found = running.call("POST", "experiments/create", {"name": "demo"}, user)["experiment_id"]
    run = running.call("POST", "runs/create", {"experiment_id": found, "start_time": 1}, user)["run"]["info"]
    metric = {"run_id": run["run_id"], "key": "auc", "value": 0.5, "timestamp": 1, "step": 0}
    running.call("POST", "runs/log-metric", metric, user)
    path = f"{running.api}-artifacts/artifacts/{found}/{run['run_id']}/artifacts/a.txt"
    assert running.ask("PUT", path, b"\x00content", user=user)[0] == 200
    assert running.ask("GET", path, user=user) == (200, b"\x00content")
    again = running.call("GET", f"runs/get?run_id={run['run_id']}", user=user)["run"]
    assert again["data"]["metrics"][0]["value"] == 0.5
    return str(run["run_id"])


def made_twice(running: Running, experiment: str, user: tuple[str, str]) -> None:
    """Who may edit but not delete makes a root run although there is one: it ends below the one that was first."""
    found = running.call("GET", f"experiments/get-by-name?experiment_name={experiment}", user=USER)["experiment"]
    grant = {"username": user[0], "resource_type": "experiment", "resource_id": found["experiment_id"]}
    path = running.api.replace("/2.0/", "/3.0/") + "/users/permissions/grant"
    assert running.ask("POST", path, grant | {"permission": "EDIT"}, user=ADMIN)[0] == 200
    program = (
        "import json, sys, time; sys.path.insert(0, sys.argv[1])\n"
        "import tracking, os\n"
        "made = [tracking.Tracking(json.loads(sys.argv[2]), os.environ) for _ in '12']\n"
        "runs = [one.create('root', one.common('root')) for one in made]\n"
        "made[1].made_root = runs[1].id\n"
        "assert made[1].settle_root().id == made[0].root().id == runs[0].id\n"
        "left = made[1].get(runs[1].id)\n"
        "print(left.status, left.tags['mlflow.parentRunId'] == runs[0].id)\n"
    )
    env = {
        **os.environ,
        "MLFLOW_TRACKING_URI": running.address(""),
        "MLFLOW_TRACKING_USERNAME": user[0],
        "MLFLOW_TRACKING_PASSWORD": user[1],
        "MLWRIGHT_RUN": "twice",
    }
    words = [sys.executable, "-S", "-c", program, str(RUNTIME), json.dumps({"experiment": experiment})]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("KILLED True\n", "")


def test_files_a_prefix_metrics_and_garbage(folder: Path) -> None:
    """Everything on one disk; the pipelines' user is the administrator."""
    options = ir.ServerOptions(prometheus=True, gc_older_than="1s", static_prefix="/ml", allowed_hosts=("ml.example",))
    tracking = ir.Tracking(version="3.17.2", options=options, auth=ir.Auth(type="basic", secret="user"), origin=ORIGIN)
    running = serve(folder, tracking, {})
    try:
        assert (running.server.health, running.server.users) == ("/ml/health", ())
        run = record(running, USER)
        kept = {"experiment_id": "0", "start_time": 1}
        other = running.call("POST", "runs/create", kept, USER)["run"]["info"]["run_id"]
        assert running.ask("GET", f"{running.api}/runs/get?run_id={run}", host="evil.example", user=USER)[0] == 403
        assert running.ask("GET", f"{running.api}/runs/get?run_id={run}", host="ml.example", user=USER)[0] == 200
        assert b"mlflow_http_request_total" in running.ask("GET", running.server.metrics, user=USER)[1]
        files = list((folder / "artifacts").rglob("a.txt"))
        running.call("POST", "runs/delete", {"run_id": run}, USER)
        time.sleep(1.5)
        assert running.server.gc is not None
        running.job(*running.server.gc.argv, env=running.server.gc.env)
        assert running.ask("GET", f"{running.api}/runs/get?run_id={run}", user=USER)[0] == 404
        assert running.call("GET", f"runs/get?run_id={other}", user=USER)["run"]["info"]["status"] == "RUNNING"
        assert len(files) == 1 and not files[0].exists()
    finally:
        running.stop()


def test_a_database_a_bucket_and_users(folder: Path, postgres: Postgres, store: str) -> None:
    """As Compose and a cluster have it: an address with a percent sign in a secret, two workers, an administrator."""
    import boto3

    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "eu-central-1"}
    boto3.client("s3", endpoint_url=store, **keys).create_bucket(
        Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    bucket = ir.ArtifactStore(
        type="s3", uri="s3://lake/mlflow", secret="lake", endpoint=store, path_style=True, region="eu-central-1"
    )
    tracking = ir.Tracking(
        version="3.17.2",
        backend=ir.Database(type="postgres", secret="db"),
        artifacts=bucket,
        auth=ir.Auth(type="basic", secret="user", admin="admin", default="none"),
        options=ir.ServerOptions(workers=2),
        origin=ORIGIN,
    )
    values = {
        "secrets.db.uri": postgres.url.replace("mlflow:", "ml%66low:", 1),
        "secrets.lake.AWS_ACCESS_KEY_ID": "k",
        "secrets.lake.AWS_SECRET_ACCESS_KEY": "s",
    }
    running = serve(folder, tracking, values)
    try:
        assert running.ask("POST", f"{running.api}/experiments/create", {"name": "x"})[0] == 401
        users = (sys.executable, "-S", str(RUNTIME / "users.py"))
        assert "made the user pipeline" in running.job(*users, env=running.server.users)
        assert "is there" in running.job(*users, env=running.server.users)
        run = record(running, USER)
        objects = boto3.client("s3", endpoint_url=store, **keys).list_objects_v2(Bucket="lake")["Contents"]
        assert [item["Key"] for item in objects if run in item["Key"]]
        running.call("POST", "users/create", {"username": "guest", "password": "guest-password-1"}, ADMIN)
        assert running.ask("GET", f"{running.api}/runs/get?run_id={run}", user=("guest", "guest-password-1"))[0] == 403
        made_twice(running, "demo", ("guest", "guest-password-1"))
        began = time.monotonic()
        changed = {"username": USER[0], "password": "another-password-1"}
        assert running.ask("PATCH", f"{running.api}/users/update-password", changed, user=ADMIN)[0] == 200
        said = ""
        while "gave the user" not in said:  # the other worker believes the old password for ten seconds more
            assert time.monotonic() < began + 30, said
            time.sleep(1)
            said = running.job(*users, env=running.server.users)
        running.stop()
        running.start()
        assert running.call("GET", f"runs/get?run_id={run}", user=USER)["run"]["data"]["metrics"]
        assert "not" not in (folder / "scratch" / "basic_auth.ini").read_text().partition("database_uri")[0]
        assert oct((folder / "scratch" / "basic_auth.ini").stat().st_mode & 0o777) == "0o600"
    finally:
        running.stop()


def test_a_user_program_without_a_password_says_which_variable(tmp_path: Path) -> None:
    env = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLWRIGHT_USER_NAME": "a"}
    done = subprocess.run(
        [sys.executable, "-S", str(RUNTIME / "users.py")], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (64, "mlwright: MLWRIGHT_USER_PASSWORD is not set\n")
