"""What a restored database says of itself."""

from sqlalchemy import update

from core.request import Progress
from data import database
from data.broadcasts import new_draft
from data.db_service import add_video, create_user
from data.models import Broadcasts
from data.requests import Claim, finish_request, store_requests
from data.restored import Contents, contents
from tests.fakes import make_request


async def test_the_contents_are_counted(db: str):
    assert await contents() == Contents(0, None, 0, 0)
    for person in (5, 6):
        await create_user(person, "en")
    await add_video(5, "https://www.tiktok.com/@a/video/1", False)
    rows = await store_requests(42, 1, [make_request(index=n) for n in range(3)], "a")
    assert rows[0]
    await finish_request(Claim(rows[0], "a"), Progress(), "delivered")
    await new_draft(42, 5)
    paused = update(Broadcasts).values(state="paused")
    await database.write(lambda connection: connection.execute(paused))
    await new_draft(42, 5)
    found = await contents()
    assert found.last_download_at
    assert (found.chats, found.waiting, found.broadcasts) == (2, 2, 1)
