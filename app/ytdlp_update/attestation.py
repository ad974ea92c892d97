"""Attestations of wheels (PEP 740): which repository's workflow has published a file.

pypi-attestations is not among the packages of the default installation: with Sigstore it needs
about twenty others. The keys that it trusts come with it; it asks no server.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from core.errors import ReleaseRefusedError

_LIBRARY: Final = "pypi_attestations"


def can_verify() -> bool:
    """Return True if pypi-attestations is installed."""
    return find_spec(_LIBRARY) is not None


def verify(wheel: Path, provenance: bytes, repository: str) -> None:
    """Verify that a workflow of a GitHub repository has published a wheel.

    `provenance` is what the index sends. All attestations must be valid. The wheel's folder must be
    writable.

    Raises:
        ReleaseRefusedError: one is wrong, or there is none.
    """
    library = import_module(_LIBRARY)
    try:
        with _writable_home(wheel.parent):
            number = _verify_all(library, wheel, provenance, repository)
    except ReleaseRefusedError:
        raise
    except Exception as error:
        # The library raises those of its parts as well; whatever it is, nothing was verified.
        raise ReleaseRefusedError(
            f"the attestation of {wheel.name} is wrong: {type(error).__name__}"
        ) from error
    if not number:
        raise ReleaseRefusedError(f"{wheel.name} has no attestation")


def _verify_all(library: Any, wheel: Path, provenance: bytes, repository: str) -> int:
    """Verify each attestation and return their number."""
    distribution, number = library.Distribution.from_file(wheel), 0
    for bundle in library.Provenance.model_validate_json(provenance).attestation_bundles:
        publisher = bundle.publisher
        if (publisher.kind, getattr(publisher, "repository", "")) != ("GitHub", repository):
            raise ReleaseRefusedError(f"{wheel.name} was not published by {repository}")
        for attestation in bundle.attestations:
            attestation.verify(publisher, distribution, offline=True)
            number += 1
    return number


@contextmanager
def _writable_home(folder: Path) -> Iterator[None]:
    """Let Sigstore store its keys below a folder: in a container there is no home directory."""
    with TemporaryDirectory(dir=folder) as name:
        environment = os.environ  # noqa: TID251 - read by a library
        before = dict(environment)
        environment.update(XDG_DATA_HOME=name, XDG_CACHE_HOME=name)
        try:
            yield
        finally:
            environment.clear()
            environment.update(before)
