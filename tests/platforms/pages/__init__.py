"""Pages of the sites, shortened to what matters, and what would be sent for each of them."""

from dataclasses import dataclass, field
from typing import Any

from core.errors import ClipferryError


@dataclass(frozen=True)
class Page:
    """A JSON object from a page, and the files that it stands for."""

    name: str
    document: Any
    #: URL of the file of each item, in order: None for an item that cannot be read, both URLs for a
    #: live photo.
    sent: tuple[str | tuple[str, str] | None, ...] = ()
    error: type[ClipferryError] | None = None
    #: Expected attributes of the post.
    facts: dict[str, Any] = field(default_factory=dict)
    #: Expected URLs of all renditions of the first item, in the order in which they are tried.
    order: tuple[str, ...] = ()
    #: Largest file, in bytes.
    ceiling: int = 50_000_000

    def __str__(self) -> str:
        return self.name
