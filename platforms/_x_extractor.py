"""What is used of yt-dlp's extractor for X: its session, its requests, and its reading of cards.

Imported at the first read.
"""

import math
from typing import Any, Final

from yt_dlp.extractor.twitter import TwitterIE
from yt_dlp.jsinterp import js_number_to_string

_NO_ZEROS_AND_POINT: Final = str.maketrans("", "", "0.")


class PostIE(TwitterIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's extractor, which also keeps the answer of the site's API."""

    #: The answer's `data`, or None before the request.
    answer: Any = None

    def ask(self, url: str) -> Any:
        """Request the post from the API as a guest, or signed in with cookies.

        Raises:
            ExtractorError: the API refuses.
        """
        self.initialize()
        return self._call_graphql_api(self._GRAPHQL_ENDPOINT, self._match_id(url))

    def _call_graphql_api(self, *args: Any) -> Any:
        if self.answer is None:
            self.answer = super()._call_graphql_api(*args)
        return self.answer


def embed_token(post_id: str) -> str:
    """Return the token that the endpoint of embedded posts expects for a post.

    Its rule in JavaScript:
    https://github.com/vercel/react-tweet/blob/main/packages/react-tweet/src/api/fetch-tweet.ts
    """
    number = int(post_id) / 1e15 * math.pi
    text: str = js_number_to_string(number, 36)
    return text.translate(_NO_ZEROS_AND_POINT)
