"""The folder that an embedded stack lives in: its data, its secrets, and the note of the stack that runs there."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

DEFAULT_HOME = "~/.lensora"

SECRET_BYTES = 32
"""256 bits for the key that signs artifact URLs."""


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
        return cls(Path(path).expanduser().resolve())

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
    def note(self) -> Path:
        """The file that tells other commands of the running stack."""
        return self.folder / "up.json"

    def create(self) -> None:
        """Make the folders; only this user can read them."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.redis_folder, self.logs_folder, self.folder / "artifacts"):
            folder.mkdir(exist_ok=True)

    def signing_key(self) -> str:
        """The secret that signs artifact URLs; made at the first use and kept, so that links outlive a restart."""
        return self.secret("signing-key", secrets.token_hex(SECRET_BYTES))

    def secret(self, name: str, fresh: str) -> str:
        """The secret kept under a name, readable by this user only; ``fresh`` is kept where there is none yet."""
        path = self.folder / name
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(fresh)
        return path.read_text().strip()

    def running(self) -> RunningStack | None:
        """The stack that runs in this home; None when there is none (a stale note is ignored)."""
        try:
            stack = RunningStack(**json.loads(self.note.read_text()))
            os.kill(stack.pid, 0)
        except (OSError, ValueError, TypeError):
            return None
        return stack

    def announce(self, stack: RunningStack) -> None:
        """Leave the note, readable by this user only."""
        self.note.unlink(missing_ok=True)
        descriptor = os.open(self.note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(stack), file)

    def withdraw(self) -> None:
        """Take the note away."""
        self.note.unlink(missing_ok=True)
