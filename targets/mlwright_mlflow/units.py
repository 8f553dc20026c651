"""Units of systemd: services that may do no more than their program needs, and timers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlwright.ir import Resources

CONFIG = "/etc/mlflow"
STATE = "/var/lib/mlflow"
PREFIX = "/opt/mlflow"

_HARDENED = """\
# The user exists while one of its units runs, and they share it.
User={user}
DynamicUser=yes
StateDirectory={user}
StateDirectoryMode=0750
WorkingDirectory=/var/lib/{user}
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=/var/lib/{user}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""


def service(
    description: str,
    program: str,
    *,
    unit: Mapping[str, str],
    settings: Iterable[str],
    wanted: bool = True,
    user: str = "mlflow",
    secrets: str = "secrets",
) -> str:
    """A service that runs `<program>.sh` of the configuration folder with the environments of `<program>.env` and
    `<secrets>.env`; `unit` are further lines of its first section."""
    lines = ["[Unit]", f"Description={escaped(description)}", *(f"{key}={value}" for key, value in unit.items()), ""]
    lines += [
        "[Service]",
        *settings,
        f"EnvironmentFile={CONFIG}/{program}.env",
        f"EnvironmentFile={CONFIG}/{secrets}.env",
    ]
    lines += [f"ExecStart=/bin/sh {CONFIG}/{program}.sh", *_HARDENED.format(user=user).splitlines()]
    if wanted:
        lines += ["", "[Install]", "WantedBy=multi-user.target"]
    return "\n".join(lines) + "\n"


def timer(description: str, events: Iterable[str]) -> str:
    """A timer for the service of its own name; what was missed while the machine was off is made up for."""
    lines = ["[Unit]", f"Description={escaped(description)}", "", "[Timer]"]
    lines += [
        *(f"OnCalendar={event}" for event in events),
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def limits(resources: Resources) -> list[str]:
    """What a service may use at most. Memory is a limit unless another one is given; CPU only where a limit is."""
    found = []
    if memory := resources.memory_limit or resources.memory:
        found.append(f"MemoryMax={memory}")
    if resources.cpu_limit:
        found.append(f"CPUQuota={resources.cpu_limit / 10:g}%")
    return found


def escaped(text: str) -> str:
    """Text in a unit: `%` is special, and a line break would end it."""
    return " ".join(text.replace("%", "%%").split())
