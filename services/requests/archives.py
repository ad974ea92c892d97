"""The files of a post as ZIP archives, in the quality of the site."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.archives import archive_names, names_inside, split_files
from core.errors import SpoolError
from core.media import DocumentFile, LocalFile, Post
from delivery.api_requests import MessageOptions
from platforms import Attempt, Workspace
from services.requests.context import RequestContext, Toolkit
from services.requests.file_id_cache import FileIdCache
from services.requests.kept_answers import Prepared
from services.requests.media_service import MediaService
from services.requests.posts import FetchedPost, PostService


@dataclass(frozen=True, slots=True)
class FetchedFiles:
    """A post on disk, and the folder that it is in."""

    fetched: FetchedPost
    space: Workspace

    @property
    def post(self) -> Post:
        """The post itself."""
        return self.fetched.post


class ArchiveService(MediaService[FetchedFiles]):
    """Answers with a post's original files in an archive, or in several if one is too large.

    Its requests are in file mode, so that `posts` fetches the originals.
    """

    def __init__(self, toolkit: Toolkit, cache: FileIdCache, posts: PostService) -> None:
        super().__init__(toolkit, cache)
        self._posts = posts

    def variant(self, context: RequestContext) -> str:
        """Return the only variant."""
        return "document/archive"

    async def fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedFiles:
        """Read the post and save the files of its items.

        Raises:
            ClipferryError: why this attempt failed.
        """
        return FetchedFiles(await self._posts.fetch(attempt, context, space), space)

    async def prepare(self, context: RequestContext, fetched: FetchedFiles) -> Prepared:
        """Pack the files. An archive that is not the whole post says so.

        Raises:
            SpoolError: there is no room for the archive.
            ClipferryError: none of the files can be sent.
        """
        prepared = await self._posts.prepare(context, fetched.fetched)
        archives = await self._pack(prepared.files, fetched)

        def options_of(refused: int) -> MessageOptions:
            if prepared.items != len(prepared.post.items):
                return replace(prepared.options_of(refused), buttons=None)
            return context.presenter.audio_options(prepared.post)

        return replace(prepared, files=archives, options_of=options_of, is_processed=True)

    async def _pack(self, files: Sequence[LocalFile], fetched: FetchedFiles) -> list[DocumentFile]:
        toolkit, space = self.toolkit, fetched.space
        paths = [file.path for file in files]
        sizes = [path.stat().st_size for path in paths]
        # Packing a file needs room for it once more.
        if not space.extend(space.used_bytes + max(sizes)):
            raise SpoolError("no room for an archive")
        inside = names_inside([path.suffix for path in paths])
        groups = split_files(sizes, inside, toolkit.sender.ceiling_bytes)
        names = archive_names(fetched.post.file_name, len(groups))
        return [
            await toolkit.media.archive(
                space.folder / name, [(paths[index], inside[index]) for index in group]
            )
            for group, name in zip(groups, names, strict=True)
        ]
