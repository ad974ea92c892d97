"""Links of every form, and look-alikes of them."""

import random
from dataclasses import dataclass
from urllib.parse import urlsplit

from platforms._registry import load_registry

REGISTRY = load_registry()
EXAMPLES = [e for platform in REGISTRY.by_name.values() for e in platform.examples]


#: Letters that look the same and are not.
_CYRILLIC = str.maketrans("aeoi", "аеоі")


@dataclass(frozen=True)
class Sample:
    """A text with a link, and the platform it must be found for; empty for a look-alike."""

    text: str
    platform: str


def draw(dice: random.Random) -> Sample:
    """Make a true link or a look-alike, wrapped as people wrap links."""
    example = dice.choice(EXAMPLES)
    found = REGISTRY.find(example)
    assert found
    if dice.random() < 0.5:
        return Sample(_wrapped(dice, _decorated(dice, example)), found.platform)
    return Sample(_wrapped(dice, _forged(dice, example)), "")


def _decorated(dice: random.Random, url: str) -> str:
    """Change what does not matter: scheme, case of the host, query, fragment."""
    parts = urlsplit(url)
    scheme = dice.choice(["https", "http", "HTTPS"])
    host = dice.choice([parts.netloc, parts.netloc.upper(), parts.netloc + "."])
    query = parts.query or dice.choice(["", "igsh=abc%3D", "_r=1&utm_source=x"])
    end = dice.choice(["", "#top"])
    return f"{scheme}://{host}{parts.path}{'?' if query else ''}{query}{end}"


def _forged(dice: random.Random, url: str) -> str:
    """Make it lead elsewhere, or nowhere, while it still looks alike."""
    parts = urlsplit(url)
    rest = f"{parts.path}?{parts.query}"
    domain = ".".join(parts.netloc.split(".")[-2:])
    return dice.choice(
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


def _wrapped(dice: random.Random, url: str) -> str:
    before = dice.choice(["", "look: ", "(", "«", "смотри👉 ", "a\n"])
    after = dice.choice(["", ".", ")", "!", " wow", "\nнижче", "»", ", ok?"])
    return f"{before}{url}{after}"
