"""``lensora keys`` and ``lensora credits`` against a real Redis, as an operator types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lensora.adapters.redis_server import RedisServer

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real redis-server of this module's own."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def command(redis: RedisServer, tmp_path: Path) -> Command:
    """Runs a module of ours with arguments and the Redis of this module."""

    def run(*arguments: str, module: str = "lensora.cli.main") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LENSORA_REDIS_URL": redis.url, "LENSORA_HOME": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-m", module, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_a_key_is_made_listed_and_revoked(command: Command) -> None:
    """The secret is shown once; the list shows a hint of it, and says when it is revoked."""
    made = json.loads(command("keys", "create", "--account", "shop", "--name", "till", "--json").stdout)
    assert made["api_key"].startswith("lsk_")
    listed = json.loads(command("keys", "list", "--account", "shop", "--json").stdout)
    assert [(key["key_id"], key["name"], key["revoked"]) for key in listed] == [(made["key_id"], "till", False)]
    assert made["api_key"] not in json.dumps(listed)
    assert command("keys", "revoke", made["key_id"]).returncode == 0
    assert json.loads(command("keys", "list", "--account", "shop", "--json").stdout)[0]["revoked"] is True


def test_credits_are_granted_shown_and_verified(command: Command) -> None:
    """A grant with a reference counts once; the ledger shows it, and the audit agrees."""
    for _ in "ab":
        done = command("credits", "grant", "500", "--account", "bank", "--reference", "invoice-1")
        assert "bank has 500 credits" in done.stdout
    shown = json.loads(command("credits", "show", "--account", "bank", "--json").stdout)
    assert shown["balance"] == 500
    assert [entry["amount"] for entry in shown["ledger"]] == [500]
    verified = command("credits", "verify", "--json")
    assert verified.returncode == 0
    assert json.loads(verified.stdout)["drift"] == 0


def test_bootstrap_keeps_its_key_and_replaces_a_dead_one(command: Command, tmp_path: Path) -> None:
    """A second start finds the same key; a key that Redis does not know is replaced; credits come once."""
    key_file = tmp_path / "api-key"
    arguments = ("bootstrap", "--account", "local", "--credits", "1000", "--key-file", str(key_file))
    first = json.loads(command(*arguments, module="gateway.admin").stdout)["api_key"]
    assert json.loads(command(*arguments, module="gateway.admin").stdout)["api_key"] == first
    key_file.write_text("lsk_from_another_life")
    again = json.loads(command(*arguments, module="gateway.admin").stdout)["api_key"]
    assert again not in (first, "lsk_from_another_life")
    assert key_file.read_text() == again
    assert json.loads(command("credits", "show", "--json").stdout)["balance"] == 1000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("credits", "show", "--account", "nobody"), "nobody"),
        (("keys", "list", "--account", "nobody"), "There is no account 'nobody'."),
        (("accounts", "jobs", "--account", "nobody"), "There is no account 'nobody'."),
        (("keys", "revoke", "no-such-key"), "no-such-key"),
        (("keys", "create", "--account", "not an id!"), "account_id must be"),
    ],
)
def test_a_mistake_is_one_sentence(command: Command, arguments: tuple[str, ...], sentence: str) -> None:
    """What cannot be done ends with status 1 and a sentence, never with a traceback."""
    done = command(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("lensora: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_why_the_job_store_does_not_answer_is_told(command: Command, redis: RedisServer) -> None:
    """Who may name the Redis may know what it said, such as that the password is wrong."""
    wrong = f"redis://nobody:wrong@127.0.0.1:{redis.port}/0"
    done = command("accounts", "queue", "--redis-url", wrong)
    assert done.returncode == 1
    assert done.stderr.startswith("lensora: The job store is not available. AuthenticationError: ")
    assert "wrong@" not in done.stderr


def test_without_a_stack_the_command_says_what_to_do(tmp_path: Path) -> None:
    """No Redis named and no stack running: the sentence names both ways out."""
    environment = {key: value for key, value in os.environ.items() if key != "LENSORA_REDIS_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "lensora.cli.main", "credits", "show", "--home", str(tmp_path)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "lensora up" in done.stderr
    assert "--redis-url" in done.stderr


def test_an_account_s_limits_are_set_shown_and_kept(command: Command) -> None:
    """What is not given stays as it is; an account that is not there is not made."""
    command("credits", "grant", "5", "--account", "shop")
    first = json.loads(command("accounts", "limit", "--account", "shop", "--weight", "2.5", "--json").stdout)
    second = json.loads(
        command("accounts", "limit", "--account", "shop", "--running-jobs", "3", "--live-jobs", "40", "--json").stdout
    )
    assert first["limits"]["weight"] == 2.5
    assert second["limits"] == {**first["limits"], "running_jobs": 3, "live_jobs": 40}
    assert second["balance"] == 5
    listed = json.loads(command("accounts", "list", "--json").stdout)
    assert {one["account_id"]: one["limits"]["weight"] for one in listed}["shop"] == 2.5
    assert "weight 2.5  3 running, 40 live jobs" in command("accounts", "list").stdout
    frozen = command("accounts", "freeze", "--account", "shop")
    assert frozen.stdout.strip().endswith("frozen")
    assert json.loads(command("accounts", "freeze", "--off", "--account", "shop", "--json").stdout)["frozen"] is False
    missing = command("accounts", "limit", "--account", "nobody", "--weight", "2")
    assert missing.returncode == 1
    assert "no account" in missing.stderr
    wrong = command("accounts", "limit", "--account", "shop", "--weight", "0")
    assert wrong.returncode == 2


def test_use_jobs_and_the_queue_are_shown(command: Command) -> None:
    """Per account and day; an account that is none is named."""
    command("credits", "grant", "300", "--account", "seen")
    used = json.loads(command("accounts", "usage", "--account", "seen", "--json").stdout)
    assert [(day["granted"], day["charged"]) for day in used["days"]] == [(300, 0)] and used["whole"] is True
    assert json.loads(command("accounts", "jobs", "--status", "failed", "--json").stdout) == {
        "jobs": [],
        "next_cursor": "",
    }
    assert "0 waiting, 0 running" in command("accounts", "queue").stdout
    nobody = command("accounts", "usage", "--account", "nobody")
    assert nobody.returncode == 1 and "There is no account 'nobody'" in nobody.stderr
