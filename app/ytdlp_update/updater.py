"""Builds what looks for new versions of yt-dlp and what uses them."""

import asyncio
from collections.abc import Callable
from platform import node

from app.container import Container, canary_links
from app.ytdlp_update.decider import Decider
from app.ytdlp_update.follower import Follower, Switch
from app.ytdlp_update.selection import installed_version
from app.ytdlp_update.trials import Trials
from data.config import Settings


def build(
    container: Container, settings: Settings, restart: Callable[[], None]
) -> tuple[Follower, Decider]:
    """Build both for a process; `restart` ends it gracefully and starts it anew."""
    fetcher, notifier = container.fetcher, container.admin_notifier
    trials = Trials(settings, fetcher, canary_links(settings, fetcher.registry))
    installed = installed_version(settings.ytdlp.folder)
    telling = asyncio.Lock()
    return (
        Follower(trials, installed, notifier, Switch(restart, telling, node())),
        Decider(trials, installed, fetcher.registry, notifier, telling),
    )
