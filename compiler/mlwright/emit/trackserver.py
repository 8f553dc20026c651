"""The tracking server resolved once, for whoever renders it: its command, environment, files and one-shot jobs.

Everything that MLflow reads from the environment is given there, because addresses of databases are secrets and a
container's arguments are not. Secret values are `Ref`s to `secrets.NAME.KEY`; what only the owner knows is a template
of its own in `Place`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlwright.ir import Database, Ref, Secret, Template, Tracking
from mlwright.record import dataclass

PORT = 5000
INI = "basic_auth.ini"
DRIVERS = {"postgres": "postgresql+psycopg2", "mysql": "mysql+pymysql", "mssql": "mssql+pymssql"}
"""SQLAlchemy's name of the database and of the driver that MLflow's full image has."""
IMAGES = {"postgres": "postgres:17", "mysql": "mariadb:11.8", "s3": "chrislusf/seaweedfs:4.44"}
"""What an owner runs beside a server that brings no database, or no object store."""
PORTS = {"postgres": 5432, "mysql": 3306, "mssql": 1433, "s3": 8333}
"""Where databases and that object store listen."""
BUCKET_VARIABLES = ("AWS_", "MLFLOW_S3_", "MLFLOW_ARTIFACTS_DESTINATION", "HOME", "USER")
"""What the names of the variables begin with that the program `bucket.py` needs of the server's."""
SESSION_KEY = "server.session-key"
"""The reference that stands for the key that signs sessions: the same for all replicas, no secret of the project's."""

_KEPT, _MORE = 20, 25
"""Connections of a worker to a database: kept open, and beyond that. It answers 40 requests at once, and MLflow takes a
second one while it logs a batch on the first: with SQLAlchemy's 5 and 10 they wait for one another until they fail."""
_TRUST = 10
"""Seconds for which a worker believes a password that it has checked: a check is slow by design."""
QUIET: Mapping[str, Template] = {"MLFLOW_DISABLE_TELEMETRY": ("true",), "DO_NOT_TRACK": ("true",)}
"""What keeps a program of MLflow's from calling home."""

_PERMISSIONS = {"read": "READ", "use": "USE", "edit": "EDIT", "manage": "MANAGE", "none": "NO_PERMISSIONS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the owner of a server knows about where it runs.

    `folder` is where the server keeps files that last, `config` where `Server.files` are, `scratch` where nobody else
    reads and nothing has to last; `hosts` are Host headers by which clients call it, with port or as a pattern, `url`
    the address that its own jobs use. `database` and `endpoint` are the addresses of the database and the object store
    that the owner runs, `bucket` the bucket there, `keys` the variables that open it.
    """

    folder: str = "/mlflow"
    config: str = "/etc/mlflow"
    scratch: str = "/tmp"
    host: str = "0.0.0.0"
    port: int = PORT
    hosts: tuple[str, ...] = ()
    url: str = f"http://127.0.0.1:{PORT}"
    database: Template = ()
    endpoint: str = ""
    bucket: str = "mlflow"
    keys: tuple[tuple[str, Template], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A program that runs to its end with the server's image. `env` is complete; `schedule` has five cron fields."""

    argv: tuple[str, ...]
    env: tuple[tuple[str, Template], ...]
    schedule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One `mlflow server`. `files` are by name in `Place.config`; `health` and `metrics` are paths on its port,
    `metrics` empty where it serves none. `users` is the environment of the runtime program `users.py`, which makes the
    pipelines' user; empty where the administrator is that user."""

    argv: tuple[str, ...]
    env: tuple[tuple[str, Template], ...]
    files: tuple[tuple[str, str], ...] = ()
    upgrade: Job
    gc: Job | None = None
    users: tuple[tuple[str, Template], ...] = ()
    health: str = "/health"
    metrics: str = ""
    port: int = PORT


def resolve(tracking: Tracking, secrets: tuple[Secret, ...], place: Place) -> Server:
    """The server of a `deployed` tracking section at `place`."""
    assert tracking.server == "deployed", tracking.server
    options = tracking.options
    stores = _stores(tracking, place)
    files = _files(tracking, secrets, place)
    env: dict[str, Template] = {
        "MLFLOW_HOST": (place.host,),
        "MLFLOW_PORT": (str(place.port),),
        "MLFLOW_WORKERS": (str(options.workers),),
        **stores,
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": (str(_KEPT),),
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": (str(_MORE),),
        **files,
        "MLFLOW_SERVER_ALLOWED_HOSTS": (",".join(_hosts(tracking, place)),),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": _text(",".join(options.cors)),
        "MLFLOW_STATIC_PREFIX": _text(options.static_prefix),
        "MLFLOW_EXPOSE_PROMETHEUS": _text(f"{place.scratch}/metrics" if options.prometheus else ""),
        "MLFLOW_ENABLE_WORKSPACES": _text("true" if options.workspaces else ""),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": ("true" if options.jobs else "false",),
        **_common(place),
    }
    argv: tuple[str, ...] = ("mlflow", "server")
    made: tuple[tuple[str, str], ...] = ()
    if tracking.auth.type == "basic":
        env |= _auth(tracking, place)
        permission = _PERMISSIONS[tracking.auth.default]
        made = ((INI, f"[mlflow]\ndefault_permission = {permission}\nauth_cache_ttl_seconds = {_TRUST}\n"),)
        argv = ("sh", "-ec", _protected(place))
    return Server(
        argv=argv,
        env=_given(env),
        files=made,
        upgrade=_upgrade(tracking, stores, place),
        gc=_gc(tracking, stores, files, place) if options.gc_older_than else None,
        users=_users(tracking, place) if tracking.auth.admin else (),
        health=f"{options.static_prefix}/health",
        metrics="/metrics" if options.prometheus else "",
        port=place.port,
    )


def connections(tracking: Tracking) -> int:
    """How many connections a database has to allow that serves nothing but this server and the jobs beside it."""
    options = tracking.options
    pools = 2 + (tracking.auth.type == "basic") + options.workspaces  # runs and models have one each
    return options.workers * pools * (_KEPT + _MORE) + 10


def _given(env: dict[str, Template]) -> tuple[tuple[str, Template], ...]:
    return tuple((name, value) for name, value in env.items() if value)


def _common(place: Place) -> dict[str, Template]:
    return {**QUIET, "HOME": (place.scratch,), "USER": ("mlwright",)}


def _text(value: str) -> Template:
    return (value,) if value else ()


def _stores(tracking: Tracking, place: Place) -> dict[str, Template]:
    """The addresses of both stores."""
    registry = tracking.registry
    return {
        "MLFLOW_BACKEND_STORE_URI": _database(tracking.backend, place, "mlflow"),
        "MLFLOW_REGISTRY_STORE_URI": _database(registry, place, "registry") if registry else (),
    }


def _database(store: Database, place: Place, name: str) -> Template:
    if store.secret:
        return (Ref(f"secrets.{store.secret}.uri"),)
    return place.database if store.own else (f"sqlite:///{place.folder}/{name}.db",)


def _files(tracking: Tracking, secrets: tuple[Secret, ...], place: Place) -> dict[str, Template]:
    """Where artifacts go, and what opens that."""
    store = tracking.artifacts
    if store.type in ("directory", "volume"):
        return {"MLFLOW_ARTIFACTS_DESTINATION": (f"{place.folder}/artifacts",)}
    keys = next((secret.keys for secret in secrets if secret.name == store.secret), ())
    endpoint = place.endpoint if store.own else store.endpoint
    return {
        "MLFLOW_ARTIFACTS_DESTINATION": (f"s3://{place.bucket}" if store.own else store.uri,),
        "MLFLOW_S3_ENDPOINT_URL": _text(endpoint),
        "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE": _text("path" if store.own or store.path_style else ""),
        "AWS_DEFAULT_REGION": _text("us-east-1" if store.own else store.region),
        **{key: (Ref(f"secrets.{store.secret}.{key}"),) for key in keys},
        **(dict(place.keys) if store.own else {}),
    }


def _hosts(tracking: Tracking, place: Place) -> tuple[str, ...]:
    """Host headers that the server answers to: `--allowed-hosts` replaces MLflow's own list."""
    exposed = (tracking.expose.host,) if tracking.expose.host else ()
    return tuple(dict.fromkeys((*place.hosts, *exposed, *tracking.options.allowed_hosts)))


def _protected(place: Place) -> str:
    """The script of a server with users. No file can hold the database's address, which is a secret: MLflow's own is
    completed when the server starts. `%` is special there."""
    address = """printf 'database_uri = %s\\n' "$MLFLOW_BACKEND_STORE_URI" | sed 's/%/%%/g'"""
    made = f"{address} | cat {place.config}/{INI} - > {place.scratch}/{INI}"
    return f"umask 077\n{made}\nexec mlflow server --app-name basic-auth"


def _auth(tracking: Tracking, place: Place) -> dict[str, Template]:
    admin = tracking.auth.admin or tracking.auth.secret
    return {
        "MLFLOW_AUTH_CONFIG_PATH": (f"{place.scratch}/{INI}",),
        "MLFLOW_AUTH_ADMIN_USERNAME": (Ref(f"secrets.{admin}.username"),),
        "MLFLOW_AUTH_ADMIN_PASSWORD": (Ref(f"secrets.{admin}.password"),),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": (Ref(SESSION_KEY),),
    }


def _upgrade(tracking: Tracking, stores: dict[str, Template], place: Place) -> Job:
    """Brings the schema of both stores, and of the users, to the image's version; makes them in an empty database."""
    lines = ['mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"']
    if tracking.registry:
        lines.append('mlflow db upgrade "$MLFLOW_REGISTRY_STORE_URI"')
    if tracking.auth.type == "basic":
        lines.append('python3 -m mlflow.server.auth db upgrade --url "$MLFLOW_BACKEND_STORE_URI"')
    return Job(argv=("sh", "-ec", "\n".join(lines)), env=_given({**stores, **_common(place)}))


def _gc(tracking: Tracking, stores: dict[str, Template], files: dict[str, Template], place: Place) -> Job:
    """Removes deleted runs for good: rows by the database's address, files through the server as its administrator."""
    options = tracking.options
    command = f'exec mlflow gc --older-than {options.gc_older_than} --backend-store-uri "$MLFLOW_BACKEND_STORE_URI"'
    command += ' --artifacts-destination "$MLFLOW_ARTIFACTS_DESTINATION"'
    return Job(
        argv=("sh", "-ec", f"{command} --all-workspaces" if options.workspaces else command),
        env=_given({**stores, **files, **_administrator(tracking, place), **_common(place)}),
        schedule=options.gc_schedule,
    )


def _administrator(tracking: Tracking, place: Place) -> dict[str, Template]:
    """How a job beside the server calls it, with every right."""
    found: dict[str, Template] = {"MLFLOW_TRACKING_URI": (f"{place.url}{tracking.options.static_prefix}",)}
    if admin := tracking.auth.admin or tracking.auth.secret:
        found["MLFLOW_TRACKING_USERNAME"] = (Ref(f"secrets.{admin}.username"),)
        found["MLFLOW_TRACKING_PASSWORD"] = (Ref(f"secrets.{admin}.password"),)
    return found


def _users(tracking: Tracking, place: Place) -> tuple[tuple[str, Template], ...]:
    return (
        *_administrator(tracking, place).items(),
        ("MLWRIGHT_USER_NAME", (Ref(f"secrets.{tracking.auth.secret}.username"),)),
        ("MLWRIGHT_USER_PASSWORD", (Ref(f"secrets.{tracking.auth.secret}.password"),)),
    )
