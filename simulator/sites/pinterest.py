"""Simulate the parts of Pinterest that the bot reads: its resources, short links and files."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.sites.web import send_file

#: Pins of a page of a board. The real site has up to 250.
_BOARD_PAGE = 20


@dataclass(slots=True)
class Board:
    """A board: the ids of its pins, in order."""

    pins: Sequence[str] = ()
    name: str = "Boats"
    #: Those of the pins that are in sections of the board.
    in_sections: Collection[str] = ()
    #: The answer with the first pins has no list.
    lacks_pins: bool = False
    #: Number of pages that the site serves; it fails behind them. None: all of them.
    pages: int | None = None


@dataclass(slots=True)
class Pin:
    """A pin: one file, a carousel of several, or pages of an idea pin."""

    #: A ".jpg" or ".gif" is a picture, a ".mp4" a video, and None a video that has no file.
    files: tuple[Path | None, ...] = ()
    #: "carousel", "pages", or empty for one file.
    form: str = ""
    #: URL of the video of another site that the pin shows.
    embed: str = ""
    #: The pictures are stored only in smaller sizes.
    lacks_originals: bool = False
    #: Of videos, only the playlist of segments is listed.
    lists_only_playlists: bool = False


@dataclass(slots=True)
class PinterestSite:
    """Pins by id, and short links to them."""

    pins: dict[str, Pin] = field(default_factory=dict)
    #: Boards by user and slug: "ferry_demo/boats". Others do not exist, or are secret.
    boards: dict[str, Board] = field(default_factory=dict)
    #: Pin id or URL of each short link, by code.
    short_links: dict[str, str] = field(default_factory=dict)
    #: HTTP status of every response of the resources; 0 answers normally.
    status: int = 0

    def serves(self, host: str) -> bool:
        """Return True if the host belongs to the site."""
        return host in {"www.pinterest.com", "pin.it", "v1.pinimg.com", "i.pinimg.com"}

    async def answer(self, request: web.Request, proxy_name: str) -> web.StreamResponse:  # noqa: ARG002 - same for all proxies
        """Answer a request."""
        if request.host == "pin.it":
            number = self.short_links.get(request.path.strip("/"), "")
            pin = f"https://www.pinterest.com/pin/{number}/sent/?invite_code=x"
            target = number if "://" in number else pin
            return web.Response(status=308, headers={"Location": target})
        if request.host.endswith("pinimg.com"):
            return await self._file(request)
        if self.status:
            return web.Response(status=self.status)
        options = json.loads(request.query["data"])["options"]
        match request.path.split("/")[2]:
            case "BoardResource":
                return self._board(f"{options['username']}/{options['slug']}")
            case "BoardFeedResource":
                return self._board_page(options)
        number = options["id"]
        return _found(_pin(number, self.pins[number])) if number in self.pins else _not_found()

    def _board(self, key: str) -> web.Response:
        if key not in self.boards:
            return _not_found()
        board = self.boards[key]
        return _found({"id": key, "name": board.name, "pin_count": len(board.pins)})

    def _board_page(self, options: Mapping[str, Any]) -> web.Response:
        board = self.boards[options["board_id"]]
        start = int(options["bookmarks"][0]) if "bookmarks" in options else 0
        if board.pages is not None and start >= board.pages * _BOARD_PAGE:
            return web.Response(status=503)
        if board.lacks_pins:
            return _found(None)
        end = start + min(_BOARD_PAGE, options["page_size"])
        has_all = options.get("filter_section_pins") is False
        shown = [n for n in board.pins[start:end] if has_all or n not in board.in_sections]
        pins = [_pin_on_board(number) for number in shown]
        suggestion = {"type": "story", "id": "1", "story_type": "board_ideas"}
        after = str(end) if end < len(board.pins) else "-end-"
        return _found([suggestion, *pins], bookmark=after)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """Send "/originals/PIN-0.jpg" or "/videos/720p/PIN-0.mp4"; what is missing is forbidden."""
        *_, folder, name = request.path.split("/")
        if name.endswith(".m3u8"):
            return web.Response(text=_PIECES, content_type="application/x-mpegURL")
        number, _, position = name.partition(".")[0].partition("-")
        pin = self.pins[number]
        path = pin.files[int(position)]
        if path is None or (folder == "originals" and pin.lacks_originals):
            return web.Response(status=403)
        return await send_file(request, path)


def _found(data: Any, **values: Any) -> web.Response:
    answer = {"status": "success", "data": data, **values}
    return web.json_response({"resource_response": answer})


def _not_found() -> web.Response:
    return web.json_response({"resource_response": {"status": "failure"}}, status=404)


def _pin_on_board(number: str) -> dict[str, Any]:
    about = {"title": "", "grid_title": f"Boat {number}", "description": " "}
    return {"type": "pin", "id": number, "created_at": "Thu, 09 Oct 2025 08:53:20 +0000", **about}


def _pin(number: str, pin: Pin) -> dict[str, Any]:
    media = [_medium(f"{number}-{n}", path, pin) for n, path in enumerate(pin.files)]
    about: dict[str, Any] = {
        "id": number,
        "title": "A pin",
        "description": " ",
        "pinner": {"username": "ferry_demo"},
    }
    if pin.embed:
        about |= {"domain": "vimeo.com", "embed": {"src": pin.embed}}
    if pin.form == "carousel":
        return about | {"carousel_data": {"carousel_slots": media}}
    if pin.form == "pages":
        words = {"type": "story_pin_paragraph_block", "text": "From the deck"}
        pages = [{"blocks": [_block(each), words]} for each in media]
        return about | {"story_pin_data": {"page_count": len(pages), "pages": pages}}
    return about | (media[0] if media else {})


def _block(medium: dict[str, Any]) -> dict[str, Any]:
    if "videos" in medium:
        return {"type": "story_pin_video_block", "video": medium["videos"]}
    images = dict(medium["images"])
    images["originals"] = images.pop("orig")
    return {"type": "story_pin_image_block", "image": {"images": images}}


def _medium(name: str, path: Path | None, pin: Pin) -> dict[str, Any]:
    """Return the files of a picture or video as the site lists them."""
    kind = path.suffix if path and path.suffix != ".mp4" else ".jpg"
    sizes = {"236x": 236, "600x315": 600, "736x": 736, "orig": 1_080}
    images = {
        size: {
            "url": f"https://i.pinimg.com/{size.replace('orig', 'originals')}/{name}{kind}",
            "width": width,
            "height": width,
        }
        for size, width in sizes.items()
    }
    if path and path.suffix != ".mp4":
        return {"images": images}
    frame = {"width": 576, "height": 1024, "duration": 3_000}
    base = "https://v1.pinimg.com/videos"
    files: dict[str, Any] = {"V_HLSV4": {"url": f"{base}/hls/{name}.m3u8"} | frame}
    if path is None:
        files = {"V_HLSV4": {"url": f"{base}/{name}.m3u8"} | frame}
    elif not pin.lists_only_playlists:
        files["V_720P"] = {"url": f"{base}/720p/{name}.mp4"} | frame
    return {"images": images, "videos": {"video_list": files}}


_PIECES = """#EXTM3U
#EXT-X-TARGETDURATION:3
#EXTINF:3.0,
piece0.ts
#EXT-X-ENDLIST
"""
