"""Run the whole simulator on loopback: the Bot API server, the sites and the control API."""

import errno
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.control import Control
from simulator.page import BotSwitch, Page
from simulator.samples import SampleStore
from simulator.sites.facebook import FacebookSite
from simulator.sites.instagram import InstagramSite
from simulator.sites.music import MusicSites
from simulator.sites.pinterest import PinterestSite
from simulator.sites.posts import BlueskySite, ThreadsSite, TumblrSite
from simulator.sites.proxy import Asked, Authority, SitesProxy
from simulator.sites.reddit import RedditSite
from simulator.sites.tiktok import TikTokSite
from simulator.sites.videos import VideoSites
from simulator.sites.web import SiteControl, Sites
from simulator.sites.x import XSite
from simulator.sites.youtube import YouTubeSite
from simulator.telegram.api import BotApi
from simulator.telegram.files import FileStore
from simulator.telegram.world import World

#: Number of consecutive ports to try.
_PORTS_TRIED = 20
#: Not a secret: only the simulator accepts it.
TOKEN = "42:simulator"  # noqa: S105
BOT_USER: dict[str, Any] = {
    "id": 42,
    "is_bot": True,
    "first_name": "Clipferry",
    "username": "clipferry_demo_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": True,
    "supports_inline_queries": True,
    "supports_guest_queries": True,
    **dict.fromkeys(
        (
            *("can_connect_to_business", "has_main_web_app", "has_topics_enabled"),
            *("allows_users_to_create_topics", "can_manage_bots"),
            "supports_join_request_queries",
        ),
        False,
    ),
}
#: What aiohttp's server takes of a connection by default, before a handler reads it.
_BUFFER_BYTES = 65_536
#: A connection's bytes on a slow network: what is sent later stays with the sender until then.
_SLOW_BUFFER_BYTES = 4_096
#: Largest segment of a usual network; loopback's would be larger than such a buffer.
_SEGMENT_BYTES = 1_400


@dataclass(slots=True)
class Simulator:
    """All external services that the bot talks to, in one process."""

    folder: Path
    samples: SampleStore
    authority: Authority
    token: str = TOKEN
    world: World = field(init=False)
    api: BotApi = field(init=False)
    site: TikTokSite = field(default_factory=TikTokSite)
    instagram: InstagramSite = field(default_factory=InstagramSite)
    x: XSite = field(default_factory=XSite)
    reddit: RedditSite = field(default_factory=RedditSite)
    pinterest: PinterestSite = field(default_factory=PinterestSite)
    music: MusicSites = field(default_factory=MusicSites)
    videos: VideoSites = field(default_factory=VideoSites)
    youtube: YouTubeSite = field(default_factory=YouTubeSite)
    threads: ThreadsSite = field(default_factory=ThreadsSite)
    bluesky: BlueskySite = field(default_factory=BlueskySite)
    tumblr: TumblrSite = field(default_factory=TumblrSite)
    facebook: FacebookSite = field(default_factory=FacebookSite)
    #: The faults of all sites.
    sites: SiteControl = field(default_factory=SiteControl)
    log: list[Asked] = field(default_factory=list)
    proxies: list[SitesProxy] = field(default_factory=list)
    port: int = 0
    #: The chat page, or None before `show_page`.
    page: Page | None = None
    _runner: web.AppRunner | None = None

    def __post_init__(self) -> None:
        """Create the world and the Bot API server."""
        self.world = World(dict(BOT_USER))
        self.api = BotApi(
            self.token, self.world, FileStore(self.folder / "telegram", BOT_USER["id"])
        )

    def show_page(self, switch: BotSwitch, samples: list[dict[str, Any]]) -> None:
        """Serve the chat page as well; `samples` holds what it offers to send."""
        self.page = Page(self.world, self.api, switch, samples, self.samples, self._sites())

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes any free port, another value the next free port from
        there.

        Raises:
            OSError: all 20 ports are in use.
        """
        app = web.Application(client_max_size=1 << 20)
        app.add_routes(self.api.routes())
        if self.page:
            app.add_routes(self.page.routes())
        app.add_routes(Control(self.world, self.api).routes())
        is_slow = self.api.uploads.bytes_per_s > 0
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=0.2,
            read_bufsize=_SLOW_BUFFER_BYTES if is_slow else _BUFFER_BYTES,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, _listen(port, is_slow=is_slow)).start()
        self.port = self._runner.addresses[0][1]
        self.api.webhook.start()
        await self.add_proxy()

    async def add_proxy(
        self, name: str = "proxy-1", credentials: tuple[str, str] | None = None
    ) -> SitesProxy:
        """Start another proxy to the sites and return it."""
        proxy = SitesProxy(
            self._sites(), self.authority, self.log, name=name, credentials=credentials
        )
        await proxy.start()
        self.proxies.append(proxy)
        return proxy

    def _sites(self) -> Sites:
        return Sites(
            *(self.site, self.instagram, self.threads, self.x, self.reddit, self.pinterest),
            *(self.bluesky, self.tumblr, self.facebook, self.music, self.videos, self.youtube),
            control=self.sites,
        )

    async def stop(self) -> None:
        """Stop the proxies and the HTTP server."""
        for proxy in self.proxies:
            await proxy.stop()
        await self.api.webhook.stop()
        await self.close_server()

    async def close_server(self) -> None:
        """Stop the HTTP server alone; `start` opens it again."""
        if self._runner:
            await self._runner.cleanup()

    @property
    def address(self) -> str:
        """Return the base URL of the Bot API server."""
        return f"http://127.0.0.1:{self.port}"

    def bot_environment(self, folder: Path, *, online: bool = False) -> dict[str, str]:
        """Return the settings that connect the bot to the simulator, as environment variables.

        With `online`, the bot downloads from the real sites instead of the simulated ones.
        """
        proxies = folder / "proxies.txt"
        # Replaced as a whole: a process of a fleet may read it while the next one is started.
        partial = proxies.with_suffix(".part")
        partial.write_text("".join(f"{proxy.address()}\n" for proxy in self.proxies))
        partial.replace(proxies)
        sites = {
            "NETWORK_PROXY_FILE": str(proxies),
            "NETWORK_CA_FILE": str(self.authority.ca_file),
        }
        return {
            "BOT_TOKEN": self.token,
            "TELEGRAM_SERVER": self.address,
            **({} if online else sites),
            "FILES_SPOOL_DIR": str(folder / "spool"),
            "FILES_HEARTBEAT": str(folder / "heartbeat"),
            "IDENTITIES_FOLDER": str(folder / "identities"),
        }


def _listen(port: int, *, is_slow: bool) -> socket.socket:
    """Return a socket at a port of loopback, or at the next free one.

    Raises:
        OSError: all ports that may be tried are in use.
    """
    for offset in range(_PORTS_TRIED - 1):
        try:
            return _bind(port and port + offset, is_slow=is_slow)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return _bind(port and port + _PORTS_TRIED - 1, is_slow=is_slow)


def _bind(port: int, *, is_slow: bool) -> socket.socket:
    """Return a socket at a port; with `is_slow`, connections to it take few bytes at a time."""
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_slow:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER_BYTES)
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT_BYTES)
        bound.bind(("127.0.0.1", port))
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound
