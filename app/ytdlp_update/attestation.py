"""Attestations of wheels (PEP 740): which repository's workflow has published a file.

pypi-attestations is not among the packages of the default installation: with Sigstore it needs
about twenty others. The keys that it trusts come with it; it asks no server.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from core.errors import ReleaseRefusedError

_LIBRARY: Final = "pypi_attestations"


def can_verify() -> bool:
    """Return True if pypi-attestations is installed."""
    return find_spec(_LIBRARY) is not None


def verify(wheel: Path, provenance: bytes, repository: str) -> None:
    """Verify that a workflow of a GitHub repository has published a wheel.

    `provenance` is what the index sends. All attestations must be valid.

    Raises:
        ReleaseRefusedError: one is wrong, or there is none.
    """
    library: Any = import_module(_LIBRARY)
    try:
        bundles = library.Provenance.model_validate_json(provenance).attestation_bundles
        distribution = library.Distribution.from_file(wheel)
        found = [
            (bundle.publisher, attestation)
            for bundle in bundles
            for attestation in bundle.attestations
        ]
        for publisher, attestation in found:
            named = getattr(publisher, "repository", None)
            if publisher.kind != "GitHub" or named != repository:
                raise ReleaseRefusedError(f"{wheel.name} was not published by {repository}")
            attestation.verify(publisher, distribution, offline=True)
    except (ValueError, library.AttestationError) as error:
        raise ReleaseRefusedError(
            f"the attestation of {wheel.name} is wrong: {type(error).__name__}"
        ) from error
    if not found:
        raise ReleaseRefusedError(f"{wheel.name} has no attestation")
