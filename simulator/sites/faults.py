"""Faults of the sites as a whole, as the demo's page switches them on: for any post, until off."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from simulator.throttle import Throttle

#: The kinds of faults. "slow": pages wait, and files trickle; "404", "403", "503": pages are
#: refused; "captcha": pages lead to a captcha; "region": pages are not shown in this country;
#: "truncated": files break off in the middle.
KINDS: Final = ("slow", "404", "403", "503", "captcha", "region", "truncated")
#: Set on requests for files: the fault and the throttle that `send_file` applies.
FILE_TROUBLE: Final = web.RequestKey("file_trouble", str)
FILE_THROTTLE: Final = web.RequestKey("file_throttle", Throttle)

#: Hosts that serve files; all others serve pages.
_FILE_HOST: Final = re.compile(r"(?:[vp]\d+|scontent|video|pbs|[iv]\.redd)\b")
_PAGE_DELAY_S: Final = 2.0
_SLOW_BYTES_PER_S: Final = 150_000
#: TikTok shows this page to visitors from countries in which it shows nothing.
_TIKTOK_ABROAD: Final = "https://www.tiktok.com/hk/notfound"


@dataclass(slots=True)
class SiteFaults:
    """The fault that is switched on, if any, and the speed of the line to the sites."""

    #: Name of the site that the fault is limited to; empty for all sites.
    site: str = ""
    #: One of `KINDS`, or empty.
    kind: str = ""
    #: Speed of each download; 0 for no limit.
    line: Throttle = field(default_factory=Throttle)

    def set(self, site: str, kind: str) -> None:
        """Switch on a fault instead of the one before; no kind switches it off.

        Raises:
            ValueError: there is no such kind.
        """
        if kind and kind not in KINDS:
            raise ValueError(f"no such fault: {kind}")
        self.site, self.kind = site, kind

    async def apply(self, site: str, request: web.Request) -> web.Response | None:
        """Do to a request what is switched on; return the response if that is one."""
        kind = self.kind if self.site in {"", site} else ""
        host = request.host.partition(":")[0]
        if not _FILE_HOST.match(host):
            return await _page_fault(kind, host)
        if kind == "truncated":
            request[FILE_TROUBLE] = kind
        if kind == "slow":
            request[FILE_THROTTLE] = Throttle(_SLOW_BYTES_PER_S)
        elif self.line.bytes_per_s:
            request[FILE_THROTTLE] = self.line
        return None


async def _page_fault(kind: str, host: str) -> web.Response | None:
    match kind:
        case "slow":
            await asyncio.sleep(_PAGE_DELAY_S)
        case "404" | "403" | "503":
            return web.Response(status=int(kind))
        case "captcha":
            return web.Response(status=302, headers={"Location": f"https://{host}/challenge/"})
        case "region" if host.endswith("tiktok.com"):
            return web.Response(status=302, headers={"Location": _TIKTOK_ABROAD})
        case "region":
            return web.Response(status=451)
    return None
