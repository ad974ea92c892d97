"""Serve a file as an HLS playlist of pieces."""

from pathlib import Path

from aiohttp import web

#: Number of pieces of every file.
PIECES = 4


def master_playlist(variants: dict[str, tuple[int, int]]) -> web.Response:
    """Return a list of variants: URL, and the width and height of the frame."""
    lines = ["#EXTM3U"]
    for url, (width, height) in variants.items():
        rate = width * height * 2
        lines += [
            f"#EXT-X-STREAM-INF:BANDWIDTH={rate},RESOLUTION={width}x{height},"
            'CODECS="avc1.64001f,mp4a.40.2"',
            url,
        ]
    return _playlist(lines)


def media_playlist(*, has_map: bool = False, is_complete: bool = True) -> web.Response:
    """Return the list of the pieces of a file, which are relative URLs "0", "1" and so on.

    With `has_map`, the first piece is the initialisation section.
    """
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:2", "#EXT-X-PLAYLIST-TYPE:VOD"]
    for number in range(PIECES):
        is_map = has_map and number == 0
        lines += ['#EXT-X-MAP:URI="0"'] if is_map else ["#EXTINF:1.0,", str(number)]
    return _playlist([*lines, *(["#EXT-X-ENDLIST"] if is_complete else [])])


def piece(path: Path, name: str) -> web.Response:
    """Return a piece of a file by its name in the playlist."""
    content, number = path.read_bytes(), int(name)
    size = -(-len(content) // PIECES)
    return web.Response(body=content[number * size : (number + 1) * size])


def _playlist(lines: list[str]) -> web.Response:
    text = "\n".join([*lines, ""])
    return web.Response(text=text, content_type="application/vnd.apple.mpegurl")
