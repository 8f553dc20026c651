"""A network of this process's own: loopback, whose ports nobody else has."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

_NEW_NETWORK, _SET_FLAGS, _UP = 0x40000000, 0x8914, 1


def own() -> None:
    """Leaves the machine's network for one with loopback alone, for good, with every thread and program started from
    now on. Raises OSError where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
