"""The texts of /help and /about, which fit the kind of chat."""

from dataclasses import dataclass

from core.facts import FileSize
from core.version import VERSION
from misc.ui.texts import Texts


@dataclass(frozen=True, slots=True)
class BotProfile:
    """What the bot says about itself."""

    #: Without the @.
    username: str
    #: Titles of the sites.
    platforms: tuple[str, ...]
    #: Largest file that can be sent, in MB (10^6 bytes).
    limit_mb: int
    links_per_message: int
    has_inline: bool
    #: Where the source code is; empty if the operator names no place.
    source_url: str
    #: How to reach the operator; empty if the operator does not say.
    contact: str

    def url_of(self, payload: str) -> str:
        """Return the deep link to the private chat with a payload, see `core.referrals`."""
        return f"https://t.me/{self.username}?start={payload}"


def private_help(texts: Texts, lang: str, profile: BotProfile) -> str:
    """Return the help (Telegram HTML) for a private chat."""
    parts = [
        texts(lang, "help_links", platforms=profile.platforms),
        texts[lang]["help_sound"],
        texts[lang]["help_versions"],
        texts[lang]["help_files"],
        texts(lang, "help_inline", bot=profile.username) if profile.has_inline else "",
        texts[lang]["help_groups"],
        texts[lang]["help_privacy"],
        texts(
            lang,
            "help_limits",
            limit=FileSize(profile.limit_mb * 1_000_000),
            count=profile.links_per_message,
        ),
    ]
    return "\n\n".join(filter(None, parts))


def about(texts: Texts, lang: str, profile: BotProfile) -> str:
    """Return version, license, source, operator and privacy (Telegram HTML)."""
    licensed = [texts[lang]["about_license"]]
    if profile.source_url:
        licensed.append(texts(lang, "about_source", url=profile.source_url))
    parts = [
        texts(lang, "about", version=VERSION),
        "\n".join(licensed),
        texts(lang, "about_contact", contact=profile.contact) if profile.contact else "",
        texts[lang]["about_privacy"],
    ]
    return "\n\n".join(filter(None, parts))
