"""Data that comes from outside the pipeline: paths, web addresses, object stores through the image's own packages."""

from __future__ import annotations

import contextlib
import os
import sys

from artifacts import need_space
from values import NOT_FOUND, StepError, digest, path_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping


HELPER = """
import json, os, sys
job, source, target = sys.argv[1:4]
def fsspec_copy():
    import fsspec
    system, path = fsspec.core.url_to_fs(source)
    if job == "mark":
        found = system.find(path, detail=True)
        marks = {k: [v.get("size")] + [str(v.get(n)) for n in ("ETag", "etag", "md5Hash", "mtime", "LastModified",
                 "last_modified", "updated", "sha") if v.get(n)] for k, v in found.items()}
        print("mark:" + json.dumps(marks, sort_keys=True, default=str))
        return
    sizes = [v.get("size") or 0 for v in system.find(path, detail=True).values()]
    print("size:%d" % sum(sizes), flush=True)
    import shutil
    free = shutil.disk_usage(os.path.dirname(target)).free
    if sum(sizes) > free:
        sys.exit("needs %d bytes but %d are free" % (sum(sizes), free))
    system.get(path, target, recursive=system.isdir(path))
def mlflow_copy():
    import mlflow
    if job == "mark":
        sys.exit("no marks")
    os.makedirs(target, exist_ok=True)
    print("path:" + mlflow.artifacts.download_artifacts(source, dst_path=target))
try:
    fsspec_copy()
except ImportError as first:
    try:
        mlflow_copy()
    except ImportError as second:
        sys.exit("the image has no package that reads it (%s; %s)" % (first, second))
except Exception as error:
    sys.exit("%s: %s" % (type(error).__name__, error))
"""


def fetch_data(name: str, source: str, folder: str, env: Mapping[str, str]) -> str:
    """The local path of a data source, downloaded into `folder` unless it is a path already."""
    import posixpath
    from urllib.parse import unquote, urlsplit

    if source.startswith("file://"):
        source = unquote(urlsplit(source).path)
    scheme = source.partition("://")[0] if "://" in source else ""
    if not scheme:
        if not os.path.exists(source):
            raise StepError(NOT_FOUND, "data.%s: there is no file or folder %s" % (name, source))
        return os.path.abspath(source)
    target = os.path.join(folder, posixpath.basename(urlsplit(source).path.rstrip("/")) or name)
    os.makedirs(folder, exist_ok=True)
    if scheme not in ("http", "https"):
        return _ask_image("copy", name, source, target, env)
    import shutil
    import urllib.request

    try:
        with urllib.request.urlopen(source, timeout=120) as answer, open(target, "wb") as stream:
            size = int(answer.headers.get("Content-Length") or 0)
            need_space(folder, size, "data." + name)
            shutil.copyfileobj(answer, stream, 1 << 20)
            if size and stream.tell() != size:
                raise StepError(NOT_FOUND, "data.%s: the download of %s was cut short" % (name, source))
    except (OSError, ValueError) as error:
        raise StepError(NOT_FOUND, "data.%s: cannot download %s: %s" % (name, source, error)) from None
    return target


def _ask_image(job: str, name: str, source: str, target: str, env: Mapping[str, str]) -> str:
    """Hands an object store's address to the image's own Python packages (fsspec, else mlflow)."""
    import subprocess

    words = [sys.executable or "python3", "-c", HELPER, job, source, target]
    done = subprocess.run(words, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode:
        why = (done.stderr.strip() or "no reason given").splitlines()[-1]
        hint = "; install fsspec with the store's driver in the image, or use access: mount or uri"
        raise StepError(NOT_FOUND, "data.%s: cannot read %s: %s%s" % (name, source, why, hint))
    said = [line for line in done.stdout.splitlines() if line.startswith(("path:", "mark:"))]
    return said[-1][5:] if said else target


def changed(source: str) -> str:
    """Size and newest time of a local file or folder; empty for an address or where nothing is."""
    total, newest = 0, 0
    if "://" in source or not os.path.exists(source):
        return ""
    for top, _, files in os.walk(source) if os.path.isdir(source) else [("", [], [source])]:
        for file in files:
            with contextlib.suppress(OSError):
                info = os.stat(os.path.join(top, file))
                total, newest = total + info.st_size, max(newest, info.st_mtime_ns)
    return "%d:%d" % (total, newest)


def data_mark(name: str, source: str, env: Mapping[str, str]) -> str:
    """What changes when a data source changes: a digest, ETag, or time and size; empty when nothing can be known."""
    if source.startswith("file://"):
        source = source[len("file://") :]
    if "://" not in source:
        mark = changed(source)
        return path_digest(source) if mark and int(mark.split(":")[0]) < 2**30 else mark
    if not source.startswith(("http://", "https://")):
        try:
            return digest(_ask_image("mark", name, source, "", env))
        except StepError:
            return ""
    import urllib.request

    try:
        with urllib.request.urlopen(urllib.request.Request(source, method="HEAD"), timeout=30) as answer:
            tag, date = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
            return str(tag or (date and "%s:%s" % (date, answer.headers.get("Content-Length"))) or "")
    except (OSError, ValueError):
        return ""
