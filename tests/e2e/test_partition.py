"""A worker that reaches Telegram and no longer PostgreSQL: another one serves, and nobody twice."""

import pytest

from tests.e2e.bot_harness import BotHarness
from tests.e2e.test_fleet import EN, POSTS, SHORT_LEASE_S, Fleet, ask, replies
from tests.forwarders import TcpForwarder


@pytest.mark.long
async def test_a_worker_cut_off_from_the_database_sends_nothing_twice(
    harness: BotHarness, new_postgres: str
):
    people = [harness.world.person(2_000 + n, f"P{n}") for n in range(4)]
    for post_id in POSTS:
        harness.video(post_id)
    harness.site.serves_files.clear()
    forwarder, fleet = TcpForwarder(new_postgres), Fleet(harness, new_postgres)
    async with forwarder.serving() as url:
        try:
            await fleet.start("receiver", "receiver, scheduler", RUN_LEASE_S=SHORT_LEASE_S)
            await fleet.start("cut off", "worker", DATABASE_URL=url, RUN_LEASE_S=SHORT_LEASE_S)
            asked = [
                ask(harness, person, post)["message_id"]
                for person, post in zip(people, POSTS, strict=False)
            ]
            chats = [harness.world.chats[person.id] for person in people]
            await fleet.until(lambda: all(chat.reactions for chat in chats), "the first worker")
            forwarder.freeze()
            await fleet.start("worker", "worker", RUN_LEASE_S=SHORT_LEASE_S)
            harness.site.serves_files.set()
            await fleet.until(lambda: all(replies(harness, each) for each in people), "the other")
            forwarder.heal()
            after = [ask(harness, person, POSTS[-1])["message_id"] for person in people]
            await fleet.until(lambda: all(len(replies(harness, each)) > 1 for each in people))
        finally:
            forwarder.heal()
            await fleet.errors()
    assert [replies(harness, each) for each in people] == [
        [first, second] for first, second in zip(asked, after, strict=True)
    ]
    texts = {text for chat in chats for text in harness.texts(chat)}
    assert EN["delivery_unknown"] not in texts  # nothing was on its way
