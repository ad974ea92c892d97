"""What our inline buttons carry. The forms are older than this code, so they stay as they are."""

from typing import Final

#: Then the language's code.
LANGUAGE: Final = "lang/"
#: Then the digits of a TikTok post whose sound is wanted.
SOUND: Final = "id/"
#: Buttons that only show something; the other three are of older bots with the same token.
INERT: Final = frozenset({"stats_noop", "loading", "slide:noop", "wait"})
STATS: Final = "stats_noop"
