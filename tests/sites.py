"""Provide the simulated sites to the tests: posts with small real files, served over TLS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from platforms import (
    DiskWaits,
    Fetcher,
    FetchPolicy,
    Identities,
    ProxyPool,
    Spool,
    load_registry,
)
from platforms._proxies import Proxy
from simulator.samples import SampleStore, VideoSpec
from simulator.sites.facebook import FacebookSite
from simulator.sites.instagram import InstagramSite
from simulator.sites.music import MusicSites
from simulator.sites.pinterest import PinterestSite
from simulator.sites.posts import BlueskySite, ThreadsSite, TumblrSite
from simulator.sites.proxy import Asked, Authority, SitesProxy
from simulator.sites.reddit import RedditSite
from simulator.sites.tiktok import Encoding, SamplePost, TikTokSite
from simulator.sites.videos import VideoSites
from simulator.sites.web import Site, SiteControl, Sites
from simulator.sites.x import XSite
from simulator.sites.youtube import YouTubeSite
from tests.records import changed

_WAITS = DiskWaits()
#: Times that a read exceeds on no machine; tests of what ends by them have their own.
TERMS = FetchPolicy(attempts=3, budget_s=120, stall_s=60)


@dataclass
class Web:
    """The simulated sites, their proxies, and the log of requests."""

    site: TikTokSite
    instagram: InstagramSite
    x: XSite
    reddit: RedditSite
    pinterest: PinterestSite
    samples: SampleStore
    authority: Authority
    folder: Path
    threads: ThreadsSite = field(default_factory=ThreadsSite)
    bluesky: BlueskySite = field(default_factory=BlueskySite)
    tumblr: TumblrSite = field(default_factory=TumblrSite)
    facebook: FacebookSite = field(default_factory=FacebookSite)
    log: list[Asked] = field(default_factory=list)
    proxies: list[SitesProxy] = field(default_factory=list)
    music: MusicSites = field(default_factory=MusicSites)
    videos: VideoSites = field(default_factory=VideoSites)
    youtube: YouTubeSite = field(default_factory=YouTubeSite)
    control: SiteControl = field(default_factory=SiteControl)

    def sites(self) -> Sites:
        """Return all sites as one."""
        return Sites(
            *(self.site, self.instagram, self.threads, self.x, self.reddit, self.pinterest),
            *(self.bluesky, self.tumblr, self.facebook, self.music, self.videos, self.youtube),
            control=self.control,
        )

    async def add_proxy(self, site: Site | None = None, **options) -> SitesProxy:
        """Start another proxy, to all sites by default, and return it."""
        proxy = SitesProxy(site or self.sites(), self.authority, self.log, **options)
        await proxy.start()
        self.proxies.append(proxy)
        return proxy

    def video_post(self, post_id: str = "7300000000000000001", **options) -> SamplePost:
        """Add an ordinary video post to TikTok and return it."""
        options.setdefault("encodings", (Encoding(self.samples.video(VideoSpec())),))
        options.setdefault("sound", self.samples.sound())
        options.setdefault("cover", self.samples.picture(576, 1024, "cover"))
        return self.site.add(SamplePost(post_id, **options))

    @asynccontextmanager
    async def fetcher(
        self, proxies: list[Proxy] | None = None, cookies: str = "", **policy
    ) -> AsyncIterator[Fetcher]:
        """Yield the bot's fetcher, connected to the simulated sites.

        `cookies` is the text of the operator's cookie file.
        """
        pool = ProxyPool(proxies or [Proxy(proxy.name, proxy.address()) for proxy in self.proxies])
        fetcher = Fetcher(
            load_registry(),
            pool,
            changed(TERMS, ca_file=self.authority.ca_file, **policy),
            identities=identities_with(self.folder, pool, cookies),
        )
        try:
            yield fetcher
        finally:
            await fetcher.close()

    def spool(self, quota_bytes: int = 100_000_000, waits: DiskWaits = _WAITS) -> Spool:
        """Return an empty spool."""
        spool = Spool(self.folder / "spool", quota_bytes, waits)
        spool.prepare()
        return spool

    def asked_hosts(self) -> set[str]:
        """Return every host that was requested."""
        return {entry.host for entry in self.log}


def identities_with(folder: Path, proxies: ProxyPool, cookies: str) -> Identities:
    """Return the identities of an operator with one cookie file, or without any."""
    if not cookies:
        return Identities(None, proxies)
    file = folder / "cookies.txt"
    file.write_text(cookies)
    return Identities(folder / "identities", proxies, file)
