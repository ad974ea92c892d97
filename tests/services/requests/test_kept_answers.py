"""Files of unconfirmed answers are kept for a time, within the quota, and never in the way."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import SpoolError
from core.media import PhotoFile
from delivery.api_requests import MessageOptions
from platforms import DiskWaits, Spool, Workspace
from services.requests.kept_answers import KeptAnswer, KeptAnswers, Prepared
from tests.fakes import make_post, settle

QUOTA = 1_000


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, QUOTA, DiskWaits(patience_s=0.0))
    spool.prepare()
    yield spool
    spool.close()


async def keep(spool: Spool, answers: KeptAnswers, row: int | None, size: int) -> Workspace:
    """Fetch a file for a request, and keep it."""
    async with spool.workspace() as space:
        await space.reserve(size)
        path = space.folder / "file.jpg"
        path.write_bytes(b"x" * size)
        prepared = Prepared(
            make_post(), [PhotoFile(path)], lambda _: MessageOptions(""), False, items=1
        )
        answers.keep(row, KeptAnswer(space, prepared))
    return space


async def test_a_kept_answer_is_taken_once_and_deleted_afterwards(spool: Spool):
    answers = KeptAnswers(spool)
    space = await keep(spool, answers, 5, 400)
    assert spool.reserved_bytes == 400
    assert answers.take(6) is None
    kept = answers.take(5)
    assert kept
    assert answers.take(5) is None
    async with spool.workspace(kept.space) as again:
        assert again is space
        assert [file.path.read_bytes() for file in kept.prepared.files] == [b"x" * 400]
    assert not space.folder.exists()
    assert spool.reserved_bytes == 0


async def test_an_answer_that_fails_again_is_kept_again(spool: Spool):
    answers = KeptAnswers(spool)
    await keep(spool, answers, 5, 400)
    for _ in range(3):
        kept = answers.take(5)
        assert kept
        async with spool.workspace(kept.space):
            answers.keep(5, kept)
    assert spool.reserved_bytes == 400


async def test_a_request_without_a_row_leaves_nothing(spool: Spool):
    space = await keep(spool, KeptAnswers(spool), None, 400)
    assert not space.folder.exists()
    assert spool.reserved_bytes == 0


async def test_files_are_deleted_when_their_time_is_over(spool: Spool):
    answers = KeptAnswers(spool, kept_s=0.0)
    space = await keep(spool, answers, 5, 400)
    await settle()
    assert spool.reserved_bytes == 0
    assert not space.folder.exists()
    assert answers.take(5) is None


async def test_the_oldest_give_way_to_a_request_that_needs_the_room(spool: Spool):
    answers = KeptAnswers(spool)
    for row in (1, 2):
        await keep(spool, answers, row, 400)
    async with spool.workspace() as space:
        await space.reserve(300)
        assert spool.reserved_bytes == 700
        assert answers.take(1) is None
        assert space.extend(900)
        assert answers.take(2) is None
    assert spool.reserved_bytes == 0


async def test_a_taken_answer_does_not_give_way(spool: Spool):
    answers = KeptAnswers(spool)
    await keep(spool, answers, 5, 400)
    kept = answers.take(5)
    assert kept
    async with spool.workspace(kept.space) as space, spool.workspace() as other:
        assert not other.extend(700)
        assert space.folder.exists()


async def test_a_taken_answer_whose_files_have_gone_meanwhile_is_fetched_anew(spool: Spool):
    answers = KeptAnswers(spool)
    space = await keep(spool, answers, 5, 400)
    kept = answers.take(5)
    assert kept
    async with spool.workspace() as other:
        await other.reserve(QUOTA)
    async with spool.workspace(kept.space) as again:
        assert again is not space


async def test_nothing_is_kept_while_others_wait_for_room(spool: Spool):
    answers = KeptAnswers(spool)

    async def wait_for_room() -> None:
        async with spool.workspace() as space:
            await space.reserve(QUOTA)

    async with spool.workspace() as space:
        await space.reserve(400)
        waiting = asyncio.ensure_future(wait_for_room())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        post = make_post()
        prepared = Prepared(post, [], lambda _: MessageOptions(""), False, items=1)
        answers.keep(5, KeptAnswer(space, prepared))
    await waiting
    assert answers.take(5) is None
    assert spool.reserved_bytes == 0


async def test_what_has_grown_beyond_the_quota_is_not_kept(spool: Spool):
    answers = KeptAnswers(spool)
    async with spool.workspace() as space:
        await space.reserve(100)
        (space.folder / "encoded.mp4").write_bytes(b"x" * (QUOTA + 1))
        prepared = Prepared(make_post(), [], lambda _: MessageOptions(""), False, items=1)
        answers.keep(5, KeptAnswer(space, prepared))
    assert answers.take(5) is None
    assert spool.reserved_bytes == 0


async def test_on_a_full_disk_kept_files_are_deleted_first(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
):
    answers = KeptAnswers(spool)
    space = await keep(spool, answers, 5, 400)
    monkeypatch.setattr(Spool, "free_bytes", property(lambda _: 0))
    async with spool.workspace() as other:
        with pytest.raises(SpoolError):
            await other.reserve(100)
    assert not space.folder.exists()
    await keep_on_full_disk(spool, answers)


async def keep_on_full_disk(spool: Spool, answers: KeptAnswers) -> None:
    async with spool.workspace() as space:
        prepared = Prepared(make_post(), [], lambda _: MessageOptions(""), False, items=1)
        answers.keep(6, KeptAnswer(space, prepared))
    assert answers.take(6) is None
