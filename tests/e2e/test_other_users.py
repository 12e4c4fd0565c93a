"""What other users of the machine can reach of a stack: the public API and a Redis with a password, no service."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import psutil

SERVICES = ("detect", "segment", "mesh", "render")


def test_services_listen_where_only_this_user_can_call(up: Any) -> None:
    """No service has a TCP port: each listens on a Unix socket, in a folder that only its owner can enter."""
    for name in SERVICES:
        process = psutil.Process(up.child_pid(name))
        assert not [one for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN], name
        sockets = {one.laddr for one in process.net_connections("unix")}
        (path,) = (Path(address) for address in sockets if str(address).endswith(f"/{name}.sock"))
        folder = path.parent.stat()
        assert stat.S_IMODE(folder.st_mode) == 0o700, path
        assert folder.st_uid == process.uids().real
