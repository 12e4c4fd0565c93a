"""What ``lensora doctor`` finds, of this machine or of a cluster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was seen, and what to do when it is not well."""

    name: str
    well: bool
    seen: str
    remedy: str = ""
