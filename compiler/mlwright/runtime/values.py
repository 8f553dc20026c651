"""Errors, the environment, and values: parsed by declared type, printed in one canonical text, digested."""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

    Json = Any
    Doc = Dict[str, Any]


BAD_INPUT, NO_OUTPUT, NOT_FOUND, UNREACHABLE, BUG, DISK, TIMEOUT = 64, 65, 66, 69, 70, 74, 124
LINE_LIMIT = 4096
"""Bytes of one printed line that patterns are matched against."""
VALUE_TYPES = ("string", "int", "float", "bool", "json")
MAX_TAG, MAX_PARAM = 4000, 6000
MAX_PROXIED = 5 * 1024**3


class StepError(Exception):
    """Something the user can mend. `code` is the exit code; the message says what is wrong in one or two lines."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ServerError(StepError):
    """The tracking server answered with an error: HTTP `status` and MLflow's `error` name."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(UNREACHABLE, message)
        self.status = status
        self.error = error

    @property
    def missing(self) -> bool:
        """True where the thing asked for does not exist."""
        return self.status == 404 or self.error == "RESOURCE_DOES_NOT_EXIST"


class Killed(BaseException):
    """A signal asked us to end while no child was running."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def say(message: str) -> None:
    """One message of ours on stderr."""
    print("mlwright: " + message, file=sys.stderr, flush=True)


def environment() -> Dict[str, str]:
    """Our environment as UTF-8 text whatever the locale says; bytes that are not UTF-8 survive as surrogates."""
    return {k.decode("utf-8", "surrogateescape"): v.decode("utf-8", "surrogateescape") for k, v in os.environb.items()}


def given(env: Mapping[str, str]) -> Dict[str, str]:
    """The variables of what an engine gives in files, one for each parameter in the folder MLWRIGHT_PARAMETERS: nothing
    expands `$(X)` in them. A file `mlwright-x` is no parameter but the variable MLWRIGHT_X."""
    folder, found = env.get("MLWRIGHT_PARAMETERS", ""), {}
    if not folder:
        return {}
    try:
        for name in sorted(os.listdir(folder)):
            key = variable(name) if name.startswith("mlwright-") else "MLWRIGHT_PARAM_" + variable(name)
            with open(os.path.join(folder, name), "rb") as stream:
                found[key] = stream.read().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise StepError(BAD_INPUT, "cannot read the parameters in %s: %s" % (folder, error)) from None
    return {key: value for key, value in found.items() if key not in env}


def raw(text: str) -> bytes:
    """Text as the bytes that a program receives."""
    return text.encode("utf-8", "surrogateescape")


def variable(*names: str) -> str:
    """The environment variable name of something: `variable("steps.f", "my-table")` is `STEPS_F_MY_TABLE`."""
    return "_".join("".join(c if c.isascii() and c.isalnum() else "_" for c in name) for name in names).upper()


def seconds(env: Mapping[str, str], name: str, default: float) -> float:
    """A number of seconds from the environment."""
    text = env.get(name, "")
    if not text:
        return default
    try:
        return float(text)
    except ValueError:
        raise StepError(BAD_INPUT, "%s must be a number of seconds, not %r" % (name, text)) from None


def compact(value: Json) -> str:
    """JSON in its one canonical form: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Json) -> str:
    """SHA-256 of canonical JSON, as hex."""
    import hashlib

    return hashlib.sha256(compact(value).encode("utf-8", "surrogatepass")).hexdigest()


def parse(text: str, kind: str, what: str) -> Json:
    """Reads `text` as a value of type `kind`; fails with exit 64 and `what` in the message."""
    import re

    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise StepError(BAD_INPUT, "%s holds a NUL or is not valid UTF-8" % what)
    if kind == "string":
        return text
    shown = text if len(text) <= 80 else text[:77] + "..."
    if kind == "int" and re.match(r"[+-]?[0-9]+\Z", text):
        return int(text)
    if kind == "float" and re.match(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z", text):
        number = float(text)
        if number - number == 0:
            return number
    if kind == "bool" and text in ("true", "false"):
        return text == "true"
    if kind == "json":
        try:
            return json.loads(text, parse_constant=_no_constant)
        except ValueError as error:
            raise StepError(BAD_INPUT, "%s must be JSON, not %r (%s)" % (what, shown, error)) from None
    wanted = {"int": "a whole number", "float": "a finite number", "bool": "true or false"}.get(kind)
    if wanted is None:
        raise StepError(BAD_INPUT, "%s has the unknown type %r" % (what, kind))
    raise StepError(BAD_INPUT, "%s must be %s, not %r" % (what, wanted, shown))


def _no_constant(name: str) -> Json:
    raise ValueError("%s is not JSON" % name)


def typed(value: Json, kind: str, what: str) -> Json:
    """Holds a JSON value from the document to its declared type; text is parsed."""
    if isinstance(value, str) and kind != "json":
        return parse(value, kind, what)
    if kind == "json" or (kind == "bool" and isinstance(value, bool)):
        return value
    if not isinstance(value, bool):
        if kind == "int" and isinstance(value, int):
            return value
        if kind == "float" and isinstance(value, (int, float)):
            return float(value)
    raise StepError(BAD_INPUT, "%s must be of type %s, not %s" % (what, kind, compact(value)))


def canonical(value: Json, kind: str) -> str:
    """The one text of a value: int decimal, float `repr`, bool `true`/`false`, json compact with sorted keys."""
    if kind == "string":
        return str(value)
    if kind == "float":
        return repr(float(value))
    if kind == "bool":
        return "true" if value else "false"
    return str(value) if kind == "int" else compact(value)


def plain_text(value: Json) -> str:
    """The canonical text of a value whose type is its own."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return canonical(value, "bool")
    return canonical(value, "int" if isinstance(value, int) else "float" if isinstance(value, float) else "json")


def reduced(values: Sequence[float], how: str, goal: Optional[str]) -> Optional[float]:
    """`last` or `best` of a series; not-a-numbers never win. None for an empty series."""
    if not values:
        return None
    if how != "best":
        return values[-1]
    real = [v for v in values if v == v] or list(values)
    return min(real) if goal == "minimize" else max(real)


def file_digest(path: str) -> str:
    """SHA-256 of a file's bytes, as hex."""
    import hashlib

    state = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            state.update(block)
    return state.hexdigest()


def manifest(folder: str) -> Doc:
    """What a folder holds: `files` (path, size, sha256) and empty `folders`, sorted; links to folders are refused."""
    files: List[Doc] = []
    empty: List[str] = []
    for top, folders, names in os.walk(folder):
        inside = os.path.relpath(top, folder)
        for name in folders:
            if os.path.islink(os.path.join(top, name)):
                raise StepError(
                    NO_OUTPUT, "%s is a link to a folder: copy it into the output" % os.path.join(top, name)
                )
        if not folders and not names and inside != ".":
            empty.append(inside)
        for name in names:
            path = os.path.join(top, name)
            if not os.path.isfile(path):
                raise StepError(NO_OUTPUT, "%s is neither a file nor a folder" % path)
            relative = name if inside == "." else inside + "/" + name
            if "\n" in relative or any("\ud800" <= c <= "\udfff" for c in relative):
                raise StepError(NO_OUTPUT, "the file name %r cannot be stored: rename it" % relative)
            files.append({"path": relative, "size": os.path.getsize(path), "sha256": file_digest(path)})
    return {"files": sorted(files, key=lambda f: str(f["path"])), "folders": sorted(empty)}


def listing_digest(files: Iterable[Tuple[str, int]], mlmodel: bytes) -> str:
    """Digest of a model that can be had without downloading it: its file list with sizes, and MLmodel's bytes."""
    import hashlib

    return "list:" + digest({"files": sorted([p, s] for p, s in files), "mlmodel": hashlib.sha256(mlmodel).hexdigest()})


def path_digest(path: str) -> str:
    """Digest of a file's bytes, or of a folder's manifest."""
    return "sha256:" + (digest(manifest(path)) if os.path.isdir(path) else file_digest(path))


def verify(path: str, expected: str, what: str) -> None:
    """Fails with 66 unless `path` has the `expected` digest (`sha256:` of everything, or `list:`); empty: no check."""
    if not expected:
        return
    if expected.startswith("list:"):
        files = [(str(f["path"]), int(f["size"])) for f in manifest(path)["files"]]
        with open(os.path.join(path, "MLmodel"), "rb") as stream:
            actual = listing_digest(files, stream.read())
    else:
        actual = path_digest(path)
    if actual != expected:
        raise StepError(NOT_FOUND, "%s does not have the expected digest: got %s, want %s" % (what, actual, expected))
