"""Write ``lensora/variables.txt``: every environment variable that some process or command of ours reads."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from lensora.settings import ENV_PREFIX, VARIABLES_FILE, Settings

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("gateway", "lensora", "services")

OUTSIDE = ("LENSORA_KEY", "LENSORA_PHOTO", "LENSORA_TEST_API", "LENSORA_TRITON_HOME", "LENSORA_WEBHOOK_SECRET")
"""Read by examples in the documentation, and by tests."""


def known_variables() -> list[str]:
    """Names of every settings field and of every option that a command takes from the environment, in order."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if module.name.rpartition(".")[2] == "settings":
                importlib.import_module(module.name)
    names = {f"{ENV_PREFIX}{field.upper()}" for cls in _all(Settings) for field in cls.model_fields}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            names.update(re.findall(rf'envvar="({ENV_PREFIX}[A-Z0-9_]+)"', path.read_text("utf-8")))
    return sorted(names | set(OUTSIDE))


def _all(cls: type[Settings]) -> Iterator[type[Settings]]:
    yield cls
    for below in cls.__subclasses__():
        yield from _all(below)


if __name__ == "__main__":
    VARIABLES_FILE.write_text("\n".join(known_variables()) + "\n")
