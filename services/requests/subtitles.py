"""The subtitles of a post, as a SubRip file."""

from dataclasses import dataclass
from pathlib import Path

from core.concurrency import beside
from core.errors import NoSubtitlesError, PlatformChangedError, TooLargeError
from core.media import DocumentFile, Post
from core.subtitles import best
from platforms import Attempt, Workspace
from services.requests.context import RequestContext
from services.requests.file_requests import subtitles_request
from services.requests.kept_answers import Prepared
from services.requests.media_service import MediaService, with_piece


@dataclass(frozen=True, slots=True)
class FetchedSubtitles:
    """A post's subtitles on disk, in the site's format."""

    post: Post
    file: Path


class SubtitleService(MediaService[FetchedSubtitles]):
    """Answers with the subtitles of a post: in the language that is asked for, or the closest."""

    def variant(self, context: RequestContext) -> str:
        """Return the language, because what is closest to another one may be different."""
        return with_piece(f"document/{context.request.selection.subtitles}", context)

    async def fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedSubtitles:
        """Save the subtitles.

        Raises:
            NoSubtitlesError: the post has none.
            ClipferryError: this attempt failed otherwise.
        """
        post = await attempt.read()
        subtitles = best(post.subtitles, context.request.selection.subtitles)
        if subtitles is None:
            raise NoSubtitlesError(post.url)
        request = subtitles_request(subtitles, f"{post.file_name}.{subtitles.language}.txt")
        try:
            async with beside(context.status.working()):
                (file,) = await attempt.save(post, [request], space, context.work.begin_download())
        except TooLargeError as error:
            raise PlatformChangedError("the subtitles are too large") from error
        assert file
        return FetchedSubtitles(post, file.path)

    async def prepare(self, context: RequestContext, fetched: FetchedSubtitles) -> Prepared:
        """Convert the subtitles to SubRip.

        Raises:
            NoSubtitlesError: nothing is said in the piece.
            BrokenFileError: the file has no subtitles.
        """
        context.work.begin_conversion(1)
        path = await self.toolkit.media.subtitles(fetched.file, context.request.selection.piece)
        return Prepared(
            post=fetched.post,
            files=[DocumentFile(path)],
            options_of=lambda _missing: context.presenter.audio_options(fetched.post),
            is_processed=True,
            items=len(fetched.post.items),
        )
