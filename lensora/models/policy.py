"""The licence policy: which models may be pulled and loaded."""

from __future__ import annotations

from enum import StrEnum

from lensora.core.errors import LicenseRefused
from lensora.models.manifest import ModelTerms


class LicensePolicy(StrEnum):
    """``permissive`` allows models whose licence allows commercial use without further terms; ``any`` allows all."""

    PERMISSIVE = "permissive"
    ANY = "any"


def check(entry: ModelTerms, policy: LicensePolicy) -> None:
    """Refuse a model that the policy does not allow.

    Raises:
        LicenseRefused: names the model, its licence and the setting that would allow it.
    """
    if policy is LicensePolicy.PERMISSIVE and not entry.commercial_use:
        raise LicenseRefused(
            f"model {entry.name!r} is under {entry.license}, which is not known to allow commercial use; "
            f"LENSORA_LICENSE_POLICY=permissive refuses it, LENSORA_LICENSE_POLICY=any would allow it",
            field="license_policy",
        )
