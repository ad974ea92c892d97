"""The @names of chats: each leads to one chat, and none outlives its chat."""

from data.privacy import erase, personal_data
from data.usernames import find_by_name, store_name


async def test_a_name_leads_to_the_chat_that_has_it(db: str):
    assert await find_by_name("a") is None
    for _ in range(2):
        await store_name(1, "a")
    assert await find_by_name("a") == 1
    await store_name(1, "b")
    assert (await find_by_name("a"), await find_by_name("b")) == (None, 1)
    await store_name(1, None)
    assert await find_by_name("b") is None


async def test_a_name_can_go_to_another_chat(db: str):
    await store_name(1, "a")
    await store_name(2, "a")
    assert await find_by_name("a") == 2
    await store_name(1, "b")  # it must not take the name from its new owner
    assert (await find_by_name("a"), await find_by_name("b")) == (2, 1)


async def test_a_name_is_exported_and_erased_with_its_chat(db: str):
    await store_name(1, "a")
    await store_name(2, "b")
    assert (await personal_data(1))["notes"] == [{"name": "name-of/1", "value": "a"}]
    await erase(1)
    assert (await find_by_name("a"), await find_by_name("b")) == (None, 2)
    assert (await personal_data(1))["notes"] == []
