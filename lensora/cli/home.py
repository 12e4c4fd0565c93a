"""The folder that an embedded stack lives in: its data, its secrets, and the note of the stack that runs there."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from lensora.core.errors import ConfigurationError

DEFAULT_HOME = "~/.lensora"

SECRET_BYTES = 32
"""256 bits for the key that signs artifact URLs."""

LOCK_PATIENCE_S = 10.0
"""A stack whose keeper was killed has let go of its home within this: its redis-server ends at once."""

LOCK_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack that runs: who keeps it, and how to reach it.

    Attributes:
        pid: process id of ``lensora up``.
        base_url: public address of its gateway.
        api_key: an API key of the local account.
        redis_url: where its jobs and credits lie.
    """

    pid: int
    base_url: str
    api_key: str
    redis_url: str


@dataclass(frozen=True, slots=True)
class Home:
    """Paths under one home folder."""

    folder: Path

    @classmethod
    def at(cls, path: str | Path) -> Home:
        """The home at a path; ``~`` is expanded; nothing is made yet."""
        return cls(expanded(path).resolve())

    @property
    def artifacts_url(self) -> str:
        """Base of the artifact store."""
        return f"file://{self.folder / 'artifacts'}"

    @property
    def redis_folder(self) -> Path:
        """Where the embedded redis-server keeps its append-only file."""
        return self.folder / "redis"

    @property
    def logs_folder(self) -> Path:
        """Where each process's output of this run lies."""
        return self.folder / "logs"

    @property
    def sockets_folder(self) -> Path:
        """Where the services of this run listen: only this user can enter it, and so call them."""
        return self.folder / "run"

    @property
    def note(self) -> Path:
        """The file that tells other commands of the running stack."""
        return self.folder / "up.json"

    @property
    def lock_file(self) -> Path:
        """The file that is locked while a stack has this home."""
        return self.folder / "lock"

    def create(self) -> None:
        """Make the folders; only this user can read what is in them, also where the home itself was there before."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.redis_folder, self.logs_folder, self.sockets_folder, self.folder / "artifacts"):
            folder.mkdir(exist_ok=True, mode=0o700)

    def lock(self, patience_s: float = LOCK_PATIENCE_S) -> int:
        """Take the home for one stack: two redis-servers on one append-only file would ruin it.

        Returns:
            A file descriptor: the home is held until it, and each copy that a child process has, is closed.

        Raises:
            ConfigurationError: another stack has it, and still has after ``patience_s`` seconds.
        """
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + patience_s
        while not _locks(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > until:
                os.close(descriptor)
                raise ConfigurationError(
                    f"another stack has the folder {self.folder}: wait for its end, or give another --home"
                )
            time.sleep(LOCK_INTERVAL_S)
        return descriptor

    def held(self) -> bool:
        """Whether a stack has this home now."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not _locks(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def signing_key(self) -> str:
        """The secret that signs artifact URLs; made at the first use and kept, so that links outlive a restart."""
        return self.secret("signing-key", secrets.token_hex(SECRET_BYTES))

    def redis_password(self) -> str:
        """The password of the embedded Redis, which holds the credits: any user of the machine can reach its port."""
        return self.secret("redis-password", secrets.token_hex(SECRET_BYTES))

    def redis_config(self) -> Path:
        """A redis.conf with that password, readable by this user only."""
        self.secret("redis.conf", f"requirepass {self.redis_password()}\n")
        return self.folder / "redis.conf"

    def secret(self, name: str, fresh: str) -> str:
        """The secret kept under a name, readable by this user only; ``fresh`` is kept where there is none yet."""
        path = self.folder / name
        if not path.exists() or not path.read_text().strip():
            # There when it is whole: an empty one, which a full disk leaves, would be the secret from then on.
            part = self.folder / f"{name}.part"
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                    file.write(fresh)
            except OSError as error:
                # A write names no file of itself: the sentence must say where the disk is full.
                raise OSError(error.errno, error.strerror, str(part)) from error
            part.replace(path)
        return path.read_text().strip()

    def running(self) -> RunningStack | None:
        """The stack that runs in this home; None when there is none (a stale note is ignored)."""
        try:
            stack = RunningStack(**json.loads(self.note.read_text()))
            os.kill(stack.pid, 0)
        except (OSError, ValueError, TypeError):
            return None
        # After a crash or a reboot another process may have the keeper's id.
        return stack if self.held() else None

    def announce(self, stack: RunningStack) -> None:
        """Leave the note, readable by this user only."""
        self.note.unlink(missing_ok=True)
        descriptor = os.open(self.note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(stack), file)

    def withdraw(self) -> None:
        """Take the note away."""
        self.note.unlink(missing_ok=True)


def expanded(path: str | Path) -> Path:
    """The path with ``~`` or ``~user`` replaced.

    Raises:
        ConfigurationError: there is no such user, or nothing says where this one's home is.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"{path}: there is no such user, or HOME is not set for this one") from error


def _locks(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
