"""The doctor's look at the sites: cookies, ads, proxies, canaries."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from app.ads_file import load_ads
from app.container import build_fetcher, canary_links, check_sites
from app.doctor.finding import Finding
from core.errors import ClipferryError, SettingsError
from core.media import Post
from data.config import Settings
from misc.ui.texts import load_texts
from platforms import (
    Attempt,
    ProxyPool,
    Registry,
    count_cookies,
    is_open,
    load_cookies,
    load_proxies,
    load_registry,
)

#: Age in days after which most sites have ended the session of exported cookies.
_OLD_COOKIES_DAYS: Final = 180
_DAY_S: Final = 86_400


async def site_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Check what the bot needs to fetch from the sites."""
    mistakes = False
    for finding in _files(settings):
        mistakes = mistakes or finding.level == "failure"
        yield finding
    if mistakes:
        return
    registry, network = load_registry(settings.sites.allowed), settings.network
    proxies = load_proxies(network.proxy_file, include_direct=network.proxy_include_direct)
    async for finding in _proxies(proxies, registry):
        yield finding
    async for finding in _canaries(settings, registry):
        yield finding


def _files(settings: Settings) -> Iterator[Finding]:
    """Check the files that the settings name, and report the mistakes of all of them."""
    network, ads = settings.network, settings.ads
    checks = (
        lambda: check_sites(settings, load_registry(settings.sites.allowed)),
        lambda: canary_links(settings, load_registry(settings.sites.allowed)),
        lambda: load_cookies(network.cookies_file),
        lambda: load_proxies(network.proxy_file, include_direct=network.proxy_include_direct),
        lambda: load_ads(ads.link, ads.file, load_texts()),
    )
    mistakes = False
    for check in checks:
        try:
            check()
        except SettingsError as error:
            mistakes = True
            yield from (Finding("failure", mistake) for mistake in error.mistakes)
    if mistakes:
        return
    yield Finding("ok", f"sites: {len(settings.sites.allowed)} allowed")
    if found := load_ads(ads.link, ads.file, load_texts()):
        yield Finding("ok", f"ads: {len(found)}")
    if cookies_file := network.cookies_file:
        yield _cookies(cookies_file)


def _cookies(file: Path) -> Finding:
    number, expired = count_cookies(file)
    days = int((time.time() - file.stat().st_mtime) // _DAY_S)
    text = f"cookies: {number}, expired: {expired}, exported {days} days ago"
    if expired or days > _OLD_COOKIES_DAYS:
        return Finding("warning", f"{text}: sign in again and export new cookies")
    return Finding("ok", text)


async def _proxies(proxies: ProxyPool, registry: Registry) -> AsyncIterator[Finding]:
    site = next(iter(registry.by_name.values()))
    host = site.page_hosts.domains[0]
    for number, proxy in enumerate(proxies.all, start=1):
        is_direct = proxy.url is None
        name = "the direct connection" if is_direct else f"proxy {number}"
        if await is_open(proxy, host):
            what = f"reaches {host}" if is_direct else "accepts connections"
            yield Finding("ok", f"{name} {what}")
        elif is_direct:
            yield Finding("warning", f"{name} does not reach {host}: check DNS and the firewall")
        else:
            yield Finding("warning", f"{name} does not respond: fix it or remove it from the list")


async def _canaries(settings: Settings, registry: Registry) -> AsyncIterator[Finding]:
    """Read the canaries' pages, without downloading their files."""
    fetcher = build_fetcher(settings, registry, _is_never_truncated)
    try:
        for link in canary_links(settings, registry):
            title = registry[link.platform].title
            try:
                await fetcher.attempt(link, _read)
            except ClipferryError as error:
                yield Finding("warning", f"canary of {title}: {error}")
            else:
                yield Finding("ok", f"canary of {title}: readable")
    finally:
        await fetcher.close()


async def _read(attempt: Attempt) -> Post:
    return await attempt.read()


async def _is_never_truncated(_path: Path) -> bool:
    return False
