"""Generate links in many forms, and look-alikes that must not be recognised."""

import random
from dataclasses import dataclass
from urllib.parse import urlsplit

from platforms import load_registry

REGISTRY = load_registry()
EXAMPLES = [e for platform in REGISTRY.by_name.values() for e in platform.examples]


#: Letters that look alike but differ.
_CYRILLIC = str.maketrans("aeoitv", "аеоітѵ")


@dataclass(frozen=True)
class Sample:
    """A text with a link, and the platform of the link; empty for a look-alike."""

    text: str
    platform: str


def draw(rng: random.Random) -> Sample:
    """Return a real link or a look-alike, with text around it."""
    example = rng.choice(EXAMPLES)
    found = REGISTRY.find(example)
    assert found
    if rng.random() < 0.5:
        return Sample(_wrapped(rng, _decorated(rng, example)), found.platform)
    return Sample(_wrapped(rng, _forged(rng, example)), "")


def _decorated(rng: random.Random, url: str) -> str:
    """Change the parts that do not matter: scheme, case of the host, query, fragment."""
    parts = urlsplit(url)
    scheme = rng.choice(["https", "http", "HTTPS"])
    host = rng.choice([parts.netloc, parts.netloc.upper(), parts.netloc + "."])
    query = parts.query or rng.choice(["", "igsh=abc%3D", "_r=1&utm_source=x"])
    end = rng.choice(["", "#top"])
    return f"{scheme}://{host}{parts.path}{'?' if query else ''}{query}{end}"


def _forged(rng: random.Random, url: str) -> str:
    """Make the link lead to another host, or nowhere, while it looks alike."""
    parts = urlsplit(url)
    rest = f"{parts.path}?{parts.query}"
    domain = ".".join(parts.netloc.split(".")[-2:])
    return rng.choice(
        [
            f"https://{parts.netloc}.evil.example{rest}",
            f"https://evil{domain}{rest}",
            f"https://{parts.netloc}@127.0.0.1{rest}",
            f"https://user:pass@{parts.netloc}{rest}",
            f"https://{parts.netloc}:8443{rest}",
            f"https://127.0.0.1/{parts.netloc}{rest}",
            f"https://evil.example/?u={url}",
            f"ftp://{parts.netloc}{rest}",
            f"https://{parts.netloc.translate(_CYRILLIC)}{rest}",
            f"https://[::1]{rest}",
            f"https://{parts.netloc}/" + "x" * 2_050,
        ]
    )


def _wrapped(rng: random.Random, url: str) -> str:
    before = rng.choice(["", "look: ", "(", "«", "смотри👉 ", "a\n"])
    after = rng.choice(["", ".", ")", "!", " wow", "\nнижче", "»", ", ok?"])
    return f"{before}{url}{after}"
