"""The rehearsal's own parts: what stands for a cluster must behave like one."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

import pytest

from deploy.rehearsal.chart import Manifest
from deploy.rehearsal.cluster import Cluster
from deploy.rehearsal.dns import NameServer
from deploy.rehearsal.forwarder import Forwarder
from deploy.rehearsal.pod import Rehearsed, expand


def ask(server: NameServer, name: str) -> tuple[int, list[str]]:
    """An A query by hand: response code and addresses."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
    host, port = server.authority.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + question, (host, int(port)))
        answer = client.recv(512)
    assert answer[:2] == b"\x12\x34"
    count = int.from_bytes(answer[6:8], "big")
    records = answer[12 + len(question) :]
    return answer[3] & 0x0F, [".".join(map(str, records[16 * i + 12 : 16 * i + 16])) for i in range(count)]


def test_name_server_answers_like_a_cluster() -> None:
    """A Service with pods has their addresses, one without has none, and an unknown name does not exist."""
    known = {"mesh.lensora.svc": ["127.0.0.8", "127.0.0.9"], "empty.lensora.svc": []}
    server = NameServer("127.0.0.1", known.get)
    try:
        assert ask(server, "mesh.lensora.svc") == (0, ["127.0.0.8", "127.0.0.9"])
        assert ask(server, "MESH.lensora.svc") == (0, ["127.0.0.8", "127.0.0.9"])
        assert ask(server, "empty.lensora.svc") == (0, [])
        assert ask(server, "render.lensora.svc") == (3, [])
    finally:
        server.close()


def test_forwarder_passes_bytes_both_ways_and_refuses_without_pods() -> None:
    """A connection reaches a ready pod; without one it is closed at once."""
    echo = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = echo.accept()
        with client:
            while data := client.recv(100):
                client.sendall(data.upper())

    threading.Thread(target=serve, daemon=True).start()
    ready = [echo.getsockname()]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    forwarder = Forwarder("127.0.0.1", port, lambda: ready)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"hello")
            assert client.recv(100) == b"HELLO"
        ready.clear()
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            assert client.recv(100) == b""
    finally:
        forwarder.close()
        echo.close()


def test_mapping_changes_what_it_must_and_nothing_else() -> None:
    """Mounted paths, Services' names and the listening address are replaced, in one pass and by whole words."""
    mapping = Rehearsed(
        paths={"/tmp": Path("/here/tmp/pod"), "/var/lib/data": Path("/tmp/data")},
        names=[(re.compile(r"redis\.lensora\.svc"), "127.1.1.1")],
        address="127.2.2.2",
    )
    assert mapping.apply("/var/lib/data/x") == "/tmp/data/x"
    assert mapping.apply("/tmp") == "/here/tmp/pod"
    assert mapping.apply("/tmpfs /opt/tmp") == "/tmpfs /opt/tmp"
    assert mapping.apply("file:///var/lib/data") == "file:///tmp/data"
    assert mapping.apply("redis://u:p@redis.lensora.svc:6379/0") == "redis://u:p@127.1.1.1:6379/0"
    assert mapping.apply("0.0.0.0 localhost ::") == "127.2.2.2 127.2.2.2 127.2.2.2"
    assert mapping.apply("bind * -::*") == "bind 127.2.2.2"
    assert mapping.apply("web=ipv6::: rpc=[::];") == "web=127.2.2.2 rpc=127.2.2.2;"
    assert mapping.apply("10.0.0.0/8 fd00::1") == "10.0.0.0/8 fd00::1"


def test_variables_expand_as_in_kubernetes() -> None:
    """``$(NAME)`` is replaced where the name is known, and stays where it is not."""
    assert expand("redis://$(USER):$(PASSWORD)@r", {"PASSWORD": "x"}) == "redis://$(USER):x@r"


def test_taken_port_is_named(tmp_path: Path) -> None:
    """A port that another program holds everywhere stops the rehearsal with a sentence, not with a hang."""
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]
        pod: Manifest = {
            "kind": "Pod",
            "metadata": {"name": "p", "labels": {}},
            "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": port}]}]},
        }
        with pytest.raises(OSError, match=f"port {port} is taken on all addresses"):
            Cluster([pod], tmp_path, {})
