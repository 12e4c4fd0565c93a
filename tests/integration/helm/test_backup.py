"""Back up and restore of the built-in Redis, by the commands of docs/OPERATIONS.md."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

from deploy.rehearsal.chart import render
from deploy.rehearsal.cluster import Cluster
from deploy.rehearsal.pod import Pod

PORT = "6399"
ADMIN = ("python", "-m", "gateway.admin", "credits")


def cli(pod: Pod, *arguments: str) -> str:
    """``redis-cli`` inside Redis's container, as the page says; what it printed."""
    status, output = pod.output(("redis-cli", "-h", "localhost", *arguments), 30)
    assert status == 0, output
    return output


def admin(cluster: Cluster, pod: Pod, *arguments: str) -> str:
    """The operator's command in a gateway pod."""
    gateway = cluster.of("gateway")[0]
    status, output = gateway.output((*ADMIN, *arguments), 60)
    assert status == 0, output
    return output


def test_restored_backup_has_the_same_money(tmp_path: Path) -> None:
    """A backup taken while Redis runs, restored into an empty volume, gives every balance and ledger back."""
    manifests = render(sets=("gateway.replicas=1",))
    claims = {name: tmp_path / name for name in ("data", "studio-lensora-artifacts", "studio-lensora-models")}
    for folder in claims.values():
        folder.mkdir()
    with Cluster(manifests, tmp_path / "first", claims) as cluster:
        cluster.start(("redis", "gateway"))
        (redis,) = cluster.of("redis")
        admin(cluster, redis, "grant", "1234", "--account", "a")
        cli(redis, "--user", "lensora", "--no-auth-warning", "--rdb", "/data/backup.rdb")
        admin(cluster, redis, "grant", "1", "--account", "a")
        tools = redis.process_environment()["PATH"]

    backup = claims["data"] / "backup.rdb"
    lost = tmp_path / "lost"
    lost.mkdir()
    shutil.move(backup, lost)
    shutil.rmtree(claims["data"])
    claims["data"].mkdir()
    shutil.move(lost / "backup.rdb", backup)
    _load_once(claims["data"], tools)

    with Cluster(manifests, tmp_path / "second", claims) as cluster:
        cluster.start(("redis", "gateway"))
        (redis,) = cluster.of("redis")
        shown = json.loads(admin(cluster, redis, "show", "--account", "a", "--json"))
        assert shown["balance"] == 1234, "the grant after the backup is not in it"
        assert "every balance and job agrees" in admin(cluster, redis, "verify")


def _load_once(data: Path, path: str) -> None:
    """The page's middle part: load the RDB file without, then turn the append-only file on."""
    server = ("redis-server", "--dir", str(data), "--dbfilename", "backup.rdb", "--appendonly", "no", "--port", PORT)
    process = subprocess.Popen((*server, "--bind", "127.0.0.1"), env={"PATH": path}, stdout=subprocess.DEVNULL)

    def ask(*arguments: str) -> str:
        command = ("redis-cli", "-p", PORT, *arguments)
        return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False).stdout

    deadline = time.monotonic() + 20
    while ask("ping").strip() != "PONG":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ask("config", "set", "appendonly", "yes").strip() == "OK"
    while "aof_rewrite_in_progress:0" not in ask("info", "persistence"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ask("shutdown", "nosave")
    process.wait(20)
