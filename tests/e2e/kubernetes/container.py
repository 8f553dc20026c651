"""Runs a command as a container would: own root, processes and users. Started by the kubelet with a JSON file.

The image is this machine's /usr and the folders that the file names; nothing else of this machine is seen, and what is
written outside of volumes is gone at the end. The network is the tests'.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import sys
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_READONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_NAMESPACES = 0x00020000 | 0x08000000 | 0x20000000 | 0x04000000  # mounts, IPC, processes, host name
_PDEATHSIG, _NO_NEW_PRIVS = 1, 38
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc")
_DEVICES = ("null", "zero", "full", "random", "urandom")


def main() -> int:
    """`run FILE` runs the file's command; `enter FILE PID WORD...` another one beside it. The command's exit code."""
    with open(sys.argv[2], encoding="utf-8") as file:
        spec = json.load(file)
    if sys.argv[1] == "enter":
        os.chroot(f"/proc/{sys.argv[3]}/root")
        _become(spec, sys.argv[4:])
    _LIBC.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _checked(_LIBC.unshare(_NAMESPACES), "unshare")
    child = os.fork()
    if not child:
        _LIBC.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _mounted(spec)
        _become(spec, spec["argv"])
    with open(spec["pid"], "w", encoding="utf-8") as file:
        file.write(str(child))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os.kill(child, number))
    status = os.waitpid(child, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _mounted(spec: dict[str, Any]) -> None:
    """The container's root with everything below it, entered."""
    root = spec["root"]
    _mount("", "/", flags=_REC | _PRIVATE)
    os.makedirs(root, exist_ok=True)
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=755")
    for path in _SYSTEM:
        if os.path.islink(path):
            os.symlink(os.readlink(path), root + path)
        elif os.path.exists(path):
            _bound(path, root + path, True)
    for path, mode in (("/tmp", 0o1777), ("/var/tmp", 0o1777), ("/run", 0o755), ("/root", 0o755), ("/dev", 0o755)):
        os.makedirs(root + path)
        os.chmod(root + path, mode)
    for name in _DEVICES:
        _bound(f"/dev/{name}", f"{root}/dev/{name}", False)
    for name, target in (("fd", "/proc/self/fd"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        os.symlink(target, f"{root}/dev/{name}")
    os.makedirs(root + "/proc")
    _mount("proc", root + "/proc", "proc", _NOSUID | _NODEV)
    os.makedirs(root + "/dev/shm")
    _mount("tmpfs", root + "/dev/shm", "tmpfs", _NOSUID | _NODEV, "mode=1777,size=64m")
    for source, path in spec["copies"]:
        _copied(source, root + path)
    for source, path, readonly in sorted(spec["binds"], key=lambda bind: str(bind[1])):
        _bound(source, root + path, readonly)
    os.makedirs(root + spec["cwd"], exist_ok=True)
    if spec["readonly"]:
        _mount("", root, flags=_REMOUNT | _BIND | _READONLY)
    _checked(_LIBC.sethostname(spec["hostname"].encode(), len(spec["hostname"])), "sethostname")
    os.chroot(root)


def _become(spec: dict[str, Any], words: list[str]) -> None:
    """Turns into the command, as its user."""
    try:
        os.chdir("/")
        os.umask(0o022)
        os.setgroups(spec["groups"])
        os.setgid(spec["gid"])
        os.setuid(spec["uid"])
        os.chdir(spec["cwd"])
        _LIBC.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if not spec["escalation"]:
            _LIBC.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        os.execvpe(words[0], words, spec["env"])
    except OSError as problem:
        print(f"cannot start {words[0]}: {problem}", file=sys.stderr, flush=True)
    finally:
        os._exit(128)


def _copied(source: str, target: str) -> None:
    """A folder as an image holds it: root's, and everybody may read it."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    for folder, _, names in os.walk(target):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, 0, 0)
            os.chmod(path, os.stat(path).st_mode | (0o555 if path == folder else 0o444))


def _bound(source: str, target: str, readonly: bool) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target):
            os.close(os.open(target, os.O_CREAT, 0o644))
    _mount(source, target, flags=_BIND | _REC)
    if readonly:
        _mount("", target, flags=_REMOUNT | _BIND | _READONLY | _NOSUID)


def _mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    _checked(
        _LIBC.mount(source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None),
        f"mount {source or kind} on {target}",
    )


def _checked(result: int, what: str) -> None:
    if result:
        problem = ctypes.get_errno()
        print(f"{what}: {os.strerror(problem)}", file=sys.stderr, flush=True)
        os._exit(128)


if __name__ == "__main__":
    sys.exit(main())
