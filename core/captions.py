"""The lines under a video: source, signature and short numbers."""

from html import escape


def signature(name: str, url: str) -> str:
    """Say in bold who brought it, as Telegram HTML."""
    return f'<b><a href="{escape(url)}">{escape(name)}</a></b>'


def caption(
    *, source_label: str, source_url: str, bot_name: str, bot_url: str, note: str = ""
) -> str:
    """Write a caption as Telegram HTML: a link to the source, and the signature.

    Escapes everything itself but the note, which is HTML already. Far below the 1 024 UTF-16 units
    that Telegram allows, because a link's address does not count
    (https://core.telegram.org/bots/api#sendvideo).
    """
    source = f'<a href="{escape(source_url)}">{escape(source_label)}</a>'
    lines = [source, note] if note else [source]
    return "\n".join(lines) + "\n\n" + signature(bot_name, bot_url)


def short_count(number: int) -> str:
    """Shorten a number for a button, rounded to one decimal: 999, 12.5K, 999.9K, 1M."""
    if number < 1_000:
        return str(number)
    size, unit = (1_000, "K") if number < 999_950 else (1_000_000, "M")
    return f"{number / size:.1f}".removesuffix(".0") + unit
