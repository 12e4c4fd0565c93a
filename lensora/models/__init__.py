"""The model manifest, ``pull``, checksums and the licence policy."""

from lensora.models.manifest import Manifest, ModelEntry, Profile, Source, SourceKind, load_manifest, parse_manifest
from lensora.models.policy import LicensePolicy, check
from lensora.models.store import Phase, PullProgress, installed, path_of, pull

__all__ = [
    "LicensePolicy",
    "Manifest",
    "ModelEntry",
    "Phase",
    "Profile",
    "PullProgress",
    "Source",
    "SourceKind",
    "check",
    "installed",
    "load_manifest",
    "parse_manifest",
    "path_of",
    "pull",
]
