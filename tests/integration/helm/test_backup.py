"""Back up and restore of the built-in Redis, by the commands of docs/OPERATIONS.md."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from deploy.images.closure import ROOT
from deploy.rehearsal.chart import render
from deploy.rehearsal.cluster import Cluster
from deploy.rehearsal.pod import Pod
from lensora.adapters.redis_server import free_port

PAGE = ROOT / "docs" / "OPERATIONS.md"
ADMIN = ("python", "-m", "gateway.admin", "credits")


def cli(pod: Pod, *arguments: str) -> str:
    """``redis-cli`` inside Redis's container, as the page says; what it printed."""
    status, output = pod.output(("redis-cli", "-h", "localhost", *arguments), 30)
    assert status == 0, output
    return output


def _page_options() -> list[str]:
    """What the page gives to ``redis-cli`` for a backup, behind the host."""
    found = re.search(r"-- redis-cli -h localhost (.*--rdb .*)", PAGE.read_text("utf-8"))
    assert found is not None
    return found[1].split()


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
        cli(redis, *_page_options())
        limit = re.search(r"maxmemory:(\d+)", cli(redis, "--user", "lensora", "info", "memory"))
        assert limit is not None and int(limit[1]) == 2**30 * 70 // 100
        # What docs/runbooks/redis-memory.md asks.
        assert "Biggest" in cli(redis, "--user", "lensora", "--bigkeys")
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
    """The page's middle part, what it runs in the pod that has Redis's volume, as it stands."""
    block = re.search(r"(?m)^    rm -rf /data/appendonlydir.*\n(?:    .*\n)+", PAGE.read_text("utf-8"))
    assert block is not None
    script = block[0].replace("/data", str(data)).replace("6399", str(free_port())).replace("sleep 1", "sleep 0.05")
    assert "shutdown nosave" in script
    # The server goes to the background and must not hold this process's pipes open.
    command = ["sh", "-e", "-c", f"cd {data.parent}\n{script}"]
    with (data.parent / "restore.log").open("wb") as log:
        done = subprocess.run(command, env={"PATH": path}, stdout=log, stderr=log, timeout=60, check=False)
    assert done.returncode == 0, (data.parent / "restore.log").read_text()
    assert not (data / "backup.rdb").exists()
    assert (data / "appendonlydir").is_dir()
