"""Doctor checks of the sites: cookies, accounts, ads, proxies, canaries."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from app.ads_file import load_ads
from app.container import build_fetcher, build_identities, canary_links, check_files
from app.doctor.checks import Check, run_checks
from app.doctor.finding import Finding
from app.folders import may_write, nearest_existing
from core.errors import ClipferryError, SettingsError
from core.identities import Identity, IdentityState, is_name
from core.media import Link
from data.config import Settings
from misc.ui.texts import load_texts
from platforms import (
    Fetcher,
    Proxy,
    ProxyPool,
    Registry,
    check_cookies,
    is_open,
    load_proxies,
    load_registry,
)

#: Age in days after which most sites have ended the session of exported cookies.
_OLD_COOKIES_DAYS: Final = 180
_DAY_S: Final = 86_400


async def site_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Check what the bot needs to fetch from the sites.

    The mistakes in all files that the settings name are reported first.
    """
    registry, network = load_registry(settings.sites.allowed), settings.network
    try:
        check_files(settings, registry)
    except SettingsError as error:
        for mistake in error.mistakes:
            yield Finding("failure", mistake)
        return
    yield Finding("ok", f"sites: {len(settings.sites.allowed)} allowed")
    proxies = load_proxies(network.proxy_file, include_direct=network.proxy_include_direct)
    async for finding in run_checks(_checks(settings, registry, proxies)):
        yield finding


def _checks(
    settings: Settings, registry: Registry, proxies: ProxyPool
) -> Iterator[tuple[str, Check]]:
    yield "the ads", _ads(settings)
    if cookies_file := settings.network.cookies_file:
        yield "the cookies", _cookies(cookies_file)
    yield "the accounts", _identities(settings, registry, proxies)
    yield from _proxy_checks(proxies, registry)
    yield "the canaries", _canaries(settings, registry)


def _ads(settings: Settings) -> Iterator[Finding]:
    if found := load_ads(settings.ads.link, settings.ads.file, load_texts()):
        yield Finding("ok", f"ads: {len(found)}")


def _cookies(file: Path) -> Iterator[Finding]:
    cookies, now = check_cookies(file), time.time()
    expired = sum(cookie.has_expired(now) for cookie in cookies)
    days = _days_since(file.stat().st_mtime)
    text = f"cookies: {len(cookies)}, expired: {expired}, exported {days} days ago"
    if expired or days > _OLD_COOKIES_DAYS:
        yield Finding("warning", f"{text}: sign in again and export new cookies")
    else:
        yield Finding("ok", text)


def _identities(settings: Settings, registry: Registry, proxies: ProxyPool) -> Iterator[Finding]:
    """Report what is stored about each account; no account is used to find out more."""
    folder, identities = settings.identities.folder, build_identities(settings, proxies)
    if not may_write(nearest_existing(folder)):
        yield Finding("warning", f"[identities] folder: {folder} cannot be written")
    used = set[Path]()
    for platform in registry.by_name.values():
        for identity in identities.listed(platform):
            text = f"account {identity.name} of {platform.title}"
            yield _identity(identity, identities.state(identity), text)
            used.add(folder / identity.site / f"{identity.name}.txt")
    for path in sorted(folder.glob("*/*.txt")):
        if path not in used:
            yield Finding("warning", f"{path} is not used: {_why_unused(path, registry)}")
        if path.stat().st_mode & 0o077:
            yield Finding("warning", f"{path} can be read by other users: chmod 600")


def _why_unused(path: Path, registry: Registry) -> str:
    """Return what is wrong with a file that is no account."""
    platform = registry.by_name.get(path.parent.name)
    if platform is None or not platform.takes_accounts:
        return f"no site of [sites] allowed that takes accounts is called {path.parent.name}"
    if not is_name(path.stem):
        return "call it after the account, with at most 20 of a-z, 0-9, - and _, such as anna.txt"
    return f"it has no cookies of {platform.title} in Netscape format, or cannot be read"


def _identity(identity: Identity, state: IdentityState, text: str) -> Finding:
    days = _days_since(identity.added_at)
    text = f"{text}: {days} days old"
    if state is IdentityState.EXPIRED:
        return Finding("warning", f"{text}, its cookies have expired: export new ones")
    if state is IdentityState.NO_EXIT:
        return Finding("warning", f"{text}, its proxy {identity.exit} is not in the list")
    if state is IdentityState.RESTS:
        reason = identity.health.reason
        return Finding("warning", f"{text}, rests ({reason}): see /admin, Accounts")
    if days > _OLD_COOKIES_DAYS:
        return Finding("warning", f"{text}: sign in again and export new cookies")
    return Finding("ok", f"{text}, ready")


def _days_since(unix: float) -> int:
    return int((time.time() - unix) // _DAY_S)


def _proxy_checks(proxies: ProxyPool, registry: Registry) -> Iterator[tuple[str, Check]]:
    site = next(iter(registry.by_name.values()))
    host = site.page_hosts.domains[0]
    for number, proxy in enumerate(proxies.all, start=1):
        name = "the direct connection" if proxy.url is None else f"proxy {number}"
        yield name, _proxy(proxy, name, host)


async def _proxy(proxy: Proxy, name: str, host: str) -> Finding:
    if await is_open(proxy, host):
        what = f"reaches {host}" if proxy.url is None else "accepts connections"
        return Finding("ok", f"{name} {what}")
    if proxy.url is None:
        advice = f"does not reach {host}: check DNS and the firewall"
    else:
        advice = "does not respond: fix it or remove it from the list"
    return Finding("warning", f"{name} {advice}")


async def _canaries(settings: Settings, registry: Registry) -> AsyncIterator[Finding]:
    """Read the canaries' pages, without downloading their files."""
    fetcher = build_fetcher(settings, registry)
    try:
        canaries = (
            (f"the canary of {registry[link.platform].title}", _canary(fetcher, registry, link))
            for link in canary_links(settings, registry)
        )
        async for finding in run_checks(canaries):
            yield finding
    finally:
        await fetcher.close()


async def _canary(fetcher: Fetcher, registry: Registry, link: Link) -> Finding:
    title = registry[link.platform].title
    try:
        await fetcher.read(link, may_sign_in=False)
    except ClipferryError as error:
        return Finding("warning", f"canary of {title}: {error}")
    return Finding("ok", f"canary of {title}: readable")
