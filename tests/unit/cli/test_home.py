"""The home of an embedded stack: secrets kept, the note of the running stack trusted only while it is true."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lensora.cli.home import Home, RunningStack
from lensora.cli.main import cli
from lensora.core.errors import ConfigurationError


def test_the_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The key outlives a restart, and only its owner can read it."""
    home = Home.at(tmp_path / "home")
    home.create()
    key = home.signing_key()
    assert len(key) == 64
    assert Home.at(tmp_path / "home").signing_key() == key
    assert stat.S_IMODE((home.folder / "signing-key").stat().st_mode) == 0o600


def test_a_secret_that_a_full_disk_cannot_hold_is_said_with_its_place(tmp_path: Path) -> None:
    """The command prints the file beside the reason: which disk is full is what a person must know."""
    (tmp_path / "signing-key.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as raised:
        Home.at(tmp_path).signing_key()
    assert raised.value.filename == str(tmp_path / "signing-key.part")


def test_a_secret_that_a_full_disk_left_empty_is_made_anew(tmp_path: Path) -> None:
    """Else it would be the empty one for ever; it is private, and nothing lies beside it."""
    home = Home.at(tmp_path)
    home.create()
    (tmp_path / "signing-key").touch()
    key = home.signing_key()
    assert len(key) == 64
    assert home.signing_key() == key
    assert (tmp_path / "signing-key").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part"))


def test_the_redis_password_stays_private(tmp_path: Path) -> None:
    """The password is in a file that only its owner can read, and the same at every start."""
    home = Home.at(tmp_path / "home")
    home.create()
    config = home.redis_config()
    assert config.read_text() == f"requirepass {home.redis_password()}\n"
    assert Home.at(tmp_path / "home").redis_config().read_text() == config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_the_note_tells_of_a_stack_that_runs(tmp_path: Path) -> None:
    """What was announced is found again, by its owner only, until it is withdrawn."""
    home = Home.at(tmp_path)
    home.create()
    stack = RunningStack(os.getpid(), "http://127.0.0.1:8000", "key", "redis://127.0.0.1:1/0")
    home.announce(stack)
    assert home.running() is None, "a note that nobody holds the home for is a dead stack's"
    lock = home.lock()
    assert home.running() == stack
    os.close(lock)
    assert home.running() is None
    assert stat.S_IMODE(home.note.stat().st_mode) == 0o600
    home.withdraw()
    assert home.running() is None


def test_a_stale_or_broken_note_is_ignored(tmp_path: Path) -> None:
    """The note of a stack that died, or one that is not JSON, means that none runs."""
    home = Home.at(tmp_path)
    home.create()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    home.announce(RunningStack(ended.pid, "http://127.0.0.1:8000", "key", "redis://127.0.0.1:1/0"))
    assert home.running() is None
    home.note.write_text("not json")
    assert home.running() is None


def test_a_home_has_one_stack_at_a_time(tmp_path: Path) -> None:
    """Two redis-servers on one append-only file would ruin it: the second is refused until the first has let go."""
    home = Home.at(tmp_path)
    home.create()
    first = home.lock()
    with pytest.raises(ConfigurationError, match="another stack has the folder"):
        home.lock(patience_s=0.1)
    keeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[first])
    os.close(first)
    with pytest.raises(ConfigurationError, match="another stack has the folder"):
        home.lock(patience_s=0.1)
    keeper.kill()
    keeper.wait()
    os.close(home.lock(patience_s=0.1))


def test_a_home_is_private_where_its_folder_was_there_before(tmp_path: Path) -> None:
    """Redis's data, the logs and the artifacts are for this user only, whoever made the home."""
    (tmp_path / "home").mkdir(mode=0o755)
    home = Home.at(tmp_path / "home")
    home.create()
    for folder in (home.redis_folder, home.logs_folder, home.folder / "artifacts"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("arguments", [["doctor", "--home"], ["models", "list", "--models-dir"]])
def test_a_home_of_a_user_that_is_not_there_is_named(arguments: list[str]) -> None:
    """The sentence has the path as it was given, and no traceback is seen."""
    result = CliRunner().invoke(cli, [*arguments, "~nobody-here/x"])
    assert isinstance(result.exception, ConfigurationError)
    assert result.exception.message.startswith("~nobody-here/x: there is no such user, or HOME is not set")
