"""PO tokens for YouTube, from the operator's own service.

YouTube asks clients that it distrusts for a proof of origin. The service that makes it runs beside
the bot: https://github.com/Brainicism/bgutil-ytdlp-pot-provider (`POST /get_pot`). yt-dlp's own
interface for such providers is used, and the module is imported with YouTube's extractor only.
Source: https://github.com/yt-dlp/yt-dlp/wiki/PO-Token-Guide
"""

from typing import Any

from yt_dlp.extractor.youtube.pot.provider import (
    ExternalRequestFeature,
    PoTokenContext,
    PoTokenProvider,
    PoTokenProviderError,
    PoTokenRequest,
    PoTokenResponse,
    register_provider,
)
from yt_dlp.extractor.youtube.pot.utils import WEBPO_CLIENTS, get_webpo_content_binding

from core.errors import PlatformError
from platforms._json import Json


@register_provider
class ClipferryPTP(PoTokenProvider):  # type: ignore[misc] # yt-dlp ships no types
    """Asks the service at `[helpers] pot_url`."""

    PROVIDER_VERSION = "1.0.0"
    _SUPPORTED_CLIENTS = WEBPO_CLIENTS
    _SUPPORTED_CONTEXTS = (PoTokenContext.GVS, PoTokenContext.PLAYER, PoTokenContext.SUBS)
    _SUPPORTED_EXTERNAL_REQUEST_FEATURES = tuple(
        feature
        for feature in ExternalRequestFeature
        if feature is not ExternalRequestFeature.SOURCE_ADDRESS
    )

    def is_available(self) -> bool:
        """Return True if there is a service."""
        return bool(self.ie._downloader.reader.pot_url)

    def _real_request_pot(self, request: PoTokenRequest) -> PoTokenResponse:
        """Return a token for a request.

        Raises:
            PoTokenProviderError: the service gave none.
        """
        binding, _ = get_webpo_content_binding(request)
        wanted = {"content_binding": binding, "proxy": request.request_proxy or ""}
        try:
            answer: Any = self.ie._downloader.ask_for_po_token(wanted)
        except PlatformError as error:
            raise PoTokenProviderError(str(error)) from error
        token = Json(answer, "po_token")["poToken"].text()
        if not token:
            raise PoTokenProviderError("the service returned no token")
        return PoTokenResponse(po_token=token)
