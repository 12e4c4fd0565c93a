"""Names of folders that people's words become: in a batch's archive, and where the command unpacks one."""

from __future__ import annotations

import re

MAX_FOLDER_BYTES = 245
"""File systems take 255; the rest is for a number behind it."""
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f<>:"/\\|?*\x7f]+')
"""What some file system refuses in a name."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names of devices on Windows, with any ending."""


def folder_of(name: str, place: str) -> str:
    """A name as one folder that every system can make.

    Args:
        name: any text.
        place: what it is called where nothing is left of the name; goes before one that is a device's on Windows.
    """
    plain = _NOT_IN_NAMES.sub("-", name).strip(" .-").encode(errors="ignore")
    text = plain[:MAX_FOLDER_BYTES].decode(errors="ignore").rstrip(" .")
    return f"{place}-{text}".rstrip("-") if not text or _RESERVED.fullmatch(text) else text
