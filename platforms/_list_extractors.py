"""Extractors for lists that name more than yt-dlp's own do: titles of lists, titles of entries.

Without them a card could only number the posts, or not say whose they are. Imported when such a
list is first read. The fields are those of the sites' own clients; none was tried against the real
sites.
"""

from collections.abc import Iterator
from itertools import chain, count
from typing import Any, Final

from yt_dlp.extractor.dailymotion import DailymotionPlaylistIE
from yt_dlp.extractor.mixcloud import MixcloudBaseIE
from yt_dlp.extractor.rutube import RutubeChannelIE, RutubePlaylistIE
from yt_dlp.extractor.soundcloud import (
    SoundcloudPlaylistBaseIE,
    SoundcloudPlaylistIE,
    SoundcloudSetIE,
)
from yt_dlp.utils import ExtractorError, unified_timestamp

from core.errors import PlatformChangedError, PlatformError
from platforms._json import Json

#: SoundCloud names this many tracks by their ids in one request.
_TRACKS_BY_ID: Final = 50
#: Entries of a page of Mixcloud's and Dailymotion's lists.
_PAGE: Final = 50


class _TitledTracksIE(SoundcloudPlaylistBaseIE):  # type: ignore[misc] # yt-dlp ships no types
    """Adds titles and lengths to a set, whose data have only the ids of all but the first tracks.

    Source: the client of soundcloud.com asks for the others at `/tracks?ids=`.
    """

    def _extract_set(self, playlist: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        found = Json(playlist, "soundcloud.set")
        tracks = {track["id"].number(): track for track in found["tracks"] if track["id"]}
        bare = [str(number) for number, track in tracks.items() if not track["title"]]
        for track in self._tracks(bare[:_TRACKS_BY_ID], found["id"].number(), token):
            if track["id"].number() in tracks:
                tracks[track["id"].number()] = track
        entries = [self._track(number, track, token) for number, track in tracks.items()]
        about = str(found["id"].number()), found["title"].text()
        result: dict[str, Any] = self.playlist_result(entries, *about)
        return result

    def _tracks(self, ids: list[str], set_id: int, token: str | None) -> list[Json]:
        """Read tracks by their ids. Those that the site does not name stay without a title."""
        if not ids:
            return []
        query = {"ids": ",".join(ids)}
        if token:
            query |= {"playlistId": str(set_id), "playlistSecretToken": token}
        url, about = f"{self._API_V2_BASE}tracks", (str(set_id), "Downloading tracks")
        try:
            answer = self._call_api(url, *about, query=query, headers=self._HEADERS, fatal=False)
        except PlatformError:
            answer = None
        return [track for track in Json(answer or [], "soundcloud.tracks") if track["id"]]

    def _track(self, number: int, track: Json, token: str | None) -> dict[str, Any]:
        by_number = f"https://api.soundcloud.com/tracks/{number}"
        if token:  # the tracks of a private set are only shown with its key
            by_number += f"?secret_token={token}"
        return {
            "url": track["permalink_url"].text() or by_number,
            "title": track["title"].text(),
            "duration": track["duration"].number() // 1_000,
        }


class SoundCloudSetIE(_TitledTracksIE, SoundcloudSetIE):  # type: ignore[misc]
    """A set by its address."""


class SoundCloudPlaylistIE(_TitledTracksIE, SoundcloudPlaylistIE):  # type: ignore[misc]
    """A set by its number."""


class MixcloudUploadsIE(MixcloudBaseIE):  # type: ignore[misc]
    """The shows of a profile. They are read page by page, as many as are needed."""

    _VALID_URL = r"https://www\.mixcloud\.com/(?P<user>[^/?#]+)/(?P<name>uploads)/"
    #: The type of the list, its title, its entries, and where a show is in an entry.
    _SHAPE = ("user", "displayName", "uploads", "")

    def _real_extract(self, url: str) -> dict[str, Any]:
        user, name = self._match_valid_url(url).groups()
        first = self._page(user, name, "")
        title = first[self._SHAPE[1]].text()
        result: dict[str, Any] = self.playlist_result(self._shows(user, name, first), name, title)
        return result

    def _shows(self, user: str, name: str, page: Json) -> Iterator[dict[str, Any]]:
        _, _, listed, inner = self._SHAPE
        while True:
            for edge in page[listed]["edges"]:
                show = edge["node"][inner] if inner else edge["node"]
                yield {
                    "url": show["url"].text(),
                    "title": show["name"].text(),
                    "duration": show["audioLength"].number(),
                    "timestamp": unified_timestamp(show["publishDate"].text()),
                }
            about = page[listed]["pageInfo"]
            if not about["hasNextPage"]:
                return
            page = self._page(user, name, f', after: "{about["endCursor"].text()}"')

    def _page(self, user: str, name: str, after: str) -> Json:
        """Read a page of the list.

        Raises:
            ExtractorError: there is no such list.
            PlatformError: the site failed.
        """
        kind, title, listed, inner = self._SHAPE
        show = "name url audioLength publishDate"
        node = f"{inner} {{ {show} }}" if inner else show
        fields = (
            f"{title} {listed}(first: {_PAGE}{after}) "
            f"{{ edges {{ node {{ {node} }} }} pageInfo {{ endCursor hasNextPage }} }}"
        )
        slug = name if kind == "playlist" else None
        try:
            found = self._call_api(kind, fields, f"{user}_{name}", user, slug)
        except (KeyError, TypeError) as error:
            raise PlatformChangedError("mixcloud: no list in the answer") from error
        if not found:
            raise ExtractorError("This list does not exist", expected=True)
        return Json(found, "mixcloud.list")


class MixcloudShowsIE(MixcloudUploadsIE):
    """A playlist of shows."""

    _VALID_URL = r"https://www\.mixcloud\.com/(?P<user>[^/?#]+)/playlists/(?P<name>[^/?#]+)/"
    _SHAPE = ("playlist", "name", "items", "cloudcast")


class DailymotionVideosIE(DailymotionPlaylistIE):  # type: ignore[misc]
    """A playlist."""

    #: The field that has the list's title, and the order of its videos.
    _TITLE = "name"
    _SORT = ""

    def _real_extract(self, url: str) -> dict[str, Any]:
        list_id = self._match_id(url)
        first = self._page(list_id, 1)
        title = first[self._TITLE].text()
        result: dict[str, Any] = self.playlist_result(self._videos(list_id, first), list_id, title)
        return result

    def _videos(self, list_id: str, page: Json) -> Iterator[dict[str, Any]]:
        for number in count(2):
            for edge in page["videos"]["edges"]:
                video = edge["node"]
                yield {
                    "url": f"https://www.dailymotion.com/video/{video['xid'].text()}",
                    "title": video["title"].text(),
                    "duration": video["duration"].number(),
                    "timestamp": unified_timestamp(video["createdAt"].text()),
                }
            if not page["videos"]["pageInfo"]["hasNextPage"]:
                return
            page = self._page(list_id, number)

    def _page(self, list_id: str, number: int) -> Json:
        """Read a page of the list.

        Raises:
            ExtractorError: there is no such list, or the site failed.
        """
        explicit = "false" if self._FAMILY_FILTER else "true"
        which = f"{self._SORT}allowExplicit: {explicit}, first: {_PAGE}, page: {number}"
        fields = (
            f"{self._TITLE} videos({which}) {{ pageInfo {{ hasNextPage }} "
            "edges { node { xid title duration createdAt } } }"
        )
        try:
            found = self._call_api(self._OBJECT_TYPE, list_id, fields, f"Downloading page {number}")
        except (KeyError, TypeError, IndexError) as error:
            # What the site answers to a query that it does not understand.
            raise PlatformChangedError("dailymotion: no list in the answer") from error
        return Json(found, "dailymotion.list")


class DailymotionChannelIE(DailymotionVideosIE):
    """The videos of an account, the newest first."""

    _VALID_URL = r"https://www\.dailymotion\.com/(?P<id>[^/?#]+)$"
    _OBJECT_TYPE = "channel"
    _TITLE = "displayName"
    _SORT = 'sort: "recent", '


class RutubeVideosIE(RutubeChannelIE):  # type: ignore[misc]
    """The videos, the shorts or both of a channel, whose name is that of their author."""

    def _extract_playlist(self, playlist_id: str, *args: Any, **options: Any) -> dict[str, Any]:
        entries = self._entries(playlist_id, *args, **options)
        first = next(entries, None)
        title = first["uploader"] if first else None
        listed = chain([first] if first else [], entries)
        result: dict[str, Any] = self.playlist_result(listed, playlist_id, title)
        return result


class RutubeListIE(RutubePlaylistIE):  # type: ignore[misc]
    """A playlist."""

    def _real_extract(self, url: str) -> dict[str, Any]:
        number = self._match_id(url)
        api = f"https://rutube.ru/api/playlist/custom/{number}/"
        about = Json(self._download_json(api, number, query={"format": "json"}), "rutube.list")
        title = about["title"].text()
        result: dict[str, Any] = self.playlist_result(self._entries(number), number, title)
        return result
