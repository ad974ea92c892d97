"""Lists on demand: a profile or collection offers its posts, and what is chosen arrives."""

import zipfile
from collections.abc import Callable

import pytest

from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.instagram import InstagramPost, Media
from simulator.sites.pinterest import Board, Pin
from simulator.sites.posts import BlueskyFeed, BlueskyPost
from simulator.sites.reddit import RedditFeed, RedditPost
from simulator.sites.tiktok import SampleProfile
from simulator.sites.youtube_lists import YouTubeList
from simulator.telegram.world import Chat, Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
PROFILE = "https://www.tiktok.com/@ferry.demo"
GROUP = -1001


def post_id(number: int) -> str:
    return f"73000000000000005{number:02}"


def profile(harness: BotHarness, number: int) -> None:
    """Add a profile with `number` posts; the newest one has the number 0."""
    posts = [post_id(n) for n in range(number)]
    harness.site.profiles["ferry.demo"] = SampleProfile("ferry.demo", posts)
    for n, each in enumerate(posts):
        harness.video(each, text=f"Crossing {n}")


async def ask(harness: BotHarness, number: int, text: str = PROFILE, **environment: str) -> Json:
    """Start the bot, send the link to a profile of `number` posts, and return the card."""
    profile(harness, number)
    await harness.start(**environment)
    await harness.say("/start")
    await harness.say(text)
    return harness.answers()[-1]


def card_in(harness: BotHarness, chat: Chat) -> Json:
    """Return the card in a chat; the welcome of a new group may come before or after it."""
    (card,) = [m for m in harness.answers(chat) if "list/" in str(m.get("reply_markup"))]
    return card


def data(card: Json) -> list[str]:
    """Return the data of a card's buttons."""
    rows = card["reply_markup"]["inline_keyboard"]
    return [button["callback_data"] for row in rows for button in row]


def find(card: Json, end: str) -> str:
    """Return the data of the button with an action, such as "all" or "tick/3"."""
    return next(each for each in data(card) if each.endswith(f"/{end}"))


async def press(harness: BotHarness, card: Json, end: str) -> str:
    """Press a button, and return what the notice says."""
    return str((await harness.press(card, find(card, end))).get("text", ""))


def arrived(harness: BotHarness) -> list[int]:
    """Return the numbers of the posts that have arrived, in order."""
    markups = [str(video["reply_markup"]) for video in harness.videos()]
    return [n for markup in markups for n in range(20) if post_id(n) in markup]


async def test_a_profile_offers_its_posts_and_each_arrives_once(harness: BotHarness):
    card = await ask(harness, 12)
    assert card["text"] == "ferry.demo\n12 posts"
    actions = ["first", "0", "all", "zipfirst", "close"]
    assert [each.rpartition("/")[2] for each in data(card)] == actions
    assert harness.home.reactions == {}
    assert await press(harness, card, "first") == "10 posts are on their way."
    assert arrived(harness) == list(range(10))
    asked = card["reply_to_message"]["message_id"]
    assert {v["reply_to_message"]["message_id"] for v in harness.videos()} == {asked}
    assert await press(harness, card, "first") == EN["list_nothing_new"]
    assert await press(harness, card, "all") == "2 posts are on their way."
    assert arrived(harness) == list(range(12))
    assert await press(harness, card, "all") == EN["list_nothing_new"]
    assert len(harness.videos()) == 12


async def test_posts_are_chosen_on_pages_also_after_a_restart(harness: BotHarness):
    card = await ask(harness, 8)
    await press(harness, card, "page/0")
    await press(harness, card, "tick/1")
    await harness.stop()
    await harness.start()
    await press(harness, card, "tick/2")
    await press(harness, card, "tick/1")
    await press(harness, card, "page/1")
    await press(harness, card, "tick/7")
    assert [b["text"] for row in card["reply_markup"]["inline_keyboard"] for b in row] == [
        "☐ Crossing 6 · Oct 3, 2025",
        "✅ Crossing 7 · Oct 2, 2025",
        "◀️",
        "2/2",
        "▶️",
        "⬇️ Get 2 posts",
        "🗜 2 as a ZIP",
        EN["settings_back"],
    ]
    assert await press(harness, card, "get") == "2 posts are on their way."
    assert arrived(harness) == [2, 7]
    assert find(card, "all")  # the front again
    await press(harness, card, "page/0")
    assert "✅" not in str(card["reply_markup"])


async def test_what_was_chosen_arrives_after_a_restart(harness: BotHarness):
    card = await ask(harness, 3, RUN_DRAIN_S="0")
    harness.site.serves_files.clear()
    query = harness.world.press(harness.ada, card, find(card, "all"))
    await harness.until(lambda: query in harness.world.query_answers, "the notice")
    await harness.stop()
    harness.site.serves_files.set()
    await harness.start()
    await harness.settled()
    assert arrived(harness) == [0, 1, 2]


async def test_the_operator_limits_how_many_posts_are_offered(harness: BotHarness):
    card = await ask(harness, 5, LIMITS_LIST_ITEMS="3")
    assert card["text"] == "ferry.demo\n5 posts\nI can fetch the newest 3."
    assert await press(harness, card, "all") == "3 posts are on their way."
    assert arrived(harness) == [0, 1, 2]


async def test_without_lists_a_profile_gets_a_hint(harness: BotHarness):
    answer = await ask(harness, 5, LIMITS_LIST_ITEMS="0")
    assert answer["text"] == EN["link_profile"]
    assert harness.simulator.log == []


async def test_what_finds_no_room_in_the_queue_can_be_asked_for_later(harness: BotHarness):
    card = await ask(harness, 5, LIMITS_WAITING_LINKS="3")
    notice = await press(harness, card, "all")
    assert notice == TEXTS("en", "list_taken_some", count=3)
    assert arrived(harness) == [0, 1, 2]
    assert await press(harness, card, "all") == "2 posts are on their way."
    assert arrived(harness) == [0, 1, 2, 3, 4]


async def test_what_was_chosen_and_finds_no_room_stays_chosen(harness: BotHarness):
    card = await ask(harness, 3, LIMITS_WAITING_LINKS="2")
    await press(harness, card, "page/0")
    for number in range(3):
        await press(harness, card, f"tick/{number}")
    assert await press(harness, card, "get") == TEXTS("en", "list_taken_some", count=2)
    assert await press(harness, card, "get") == "1 post is on its way."
    assert arrived(harness) == [0, 1, 2]
    assert find(card, "all")  # the front again


async def test_a_collection_and_a_playlist_of_youtube_are_offered_too(harness: BotHarness):
    harness.site.collections["7371330159376370462"] = [post_id(0)]
    harness.simulator.youtube.lists.by_key["PLdemo0001"] = YouTubeList(
        "Crossings", ["DemoVideo01"] * 2
    )
    await harness.start(SITES_ALLOWED="tiktok,youtube")
    await harness.say("/start")
    await harness.say(f"{PROFILE}/collection/Best-7371330159376370462")
    assert harness.texts()[-1] == "ferry.demo-Best\n1 post"
    await harness.say("https://www.youtube.com/playlist?list=PLdemo0001")
    assert harness.texts()[-1] == "Crossings\n1 post"


def bluesky(harness: BotHarness) -> str:
    """Add a profile with two posts; return its link."""
    picture = harness.samples.picture(400, 500, "b")
    for number in ("3demo01", "3demo02"):
        harness.simulator.bluesky.add(BlueskyPost((picture,), number=number))
    harness.simulator.bluesky.feeds["ferry.example"] = BlueskyFeed(["3demo02", "3demo01"])
    return "https://bsky.app/profile/ferry.example"


def reddit(harness: BotHarness) -> str:
    """Add a user with two posts; return a short link to the user."""
    site, picture = harness.simulator.reddit, harness.samples.picture(400, 500, "r")
    for number in ("1demo01", "1demo02"):
        site.posts[number] = RedditPost(number, pictures=(picture,))
    site.feeds["user/ferry_demo"] = RedditFeed(["1demo02", "1demo01"])
    site.shared["Demo01"] = "https://www.reddit.com/user/ferry_demo/"
    return "https://www.reddit.com/u/ferry_demo/s/Demo01"


def pinterest(harness: BotHarness) -> str:
    """Add a board with two pins; return a short link to the board."""
    site, picture = harness.simulator.pinterest, harness.samples.picture(400, 500, "p")
    site.pins = {number: Pin((picture,)) for number in ("7300000001", "7300000002")}
    site.boards["ferry_demo/boats"] = Board([*site.pins])
    site.short_links["board01"] = "https://www.pinterest.com/ferry_demo/boats/?invite_code=x"
    return "https://pin.it/board01"


@pytest.mark.parametrize(
    ("add", "title"),
    [(bluesky, "ferry.example"), (reddit, "u/ferry_demo"), (pinterest, "Boats")],
)
async def test_lists_of_pictures_are_offered_too(
    harness: BotHarness, add: Callable[[BotHarness], str], title: str
):
    link = add(harness)
    await harness.start()
    await harness.say("/start")
    await harness.say(link)
    card = harness.answers()[-1]
    assert card["text"] == f"{title}\n2 posts"
    assert await press(harness, card, "all") == "2 posts are on their way."
    assert sum("photo" in answer for answer in harness.answers()) == 2


async def test_a_message_with_a_post_and_a_list_gets_the_post(harness: BotHarness):
    await ask(harness, 2, f"{PROFILE} and {VIDEO.replace(ID, post_id(1))}")
    assert arrived(harness) == [1]
    assert len(harness.answers()) == 2  # with the welcome


@pytest.mark.parametrize(
    ("found", "key"),
    [
        (None, "list_gone"),
        (SampleProfile("ferry.demo", status=10222), "list_private"),
        (SampleProfile("ferry.demo"), "list_empty"),
        (SampleProfile("ferry.demo", [ID], status=10101), "list_trouble"),
    ],
)
async def test_a_list_that_cannot_be_read_is_explained(
    harness: BotHarness, found: SampleProfile | None, key: str
):
    if found:
        harness.site.profiles["ferry.demo"] = found
    await harness.start()
    await harness.say("/start")
    asked = await harness.say(PROFILE)
    answer = harness.answers()[-1]
    assert answer["text"] == EN[key]
    assert harness.home.reactions == {asked["message_id"]: "😢"}
    assert ("reply_markup" in answer) == (key == "list_trouble")


async def test_a_short_link_to_a_profile_gets_the_card_of_the_profile(harness: BotHarness):
    harness.site.short_links["ZMdemo001"] = f"{PROFILE}?_t=8x&_r=1"
    card = await ask(harness, 2, "mp3 https://vm.tiktok.com/ZMdemo001/")
    assert card["text"] == "ferry.demo\n2 posts"
    assert await press(harness, card, "all") == "2 posts are on their way."
    assert arrived(harness) == [0, 1]
    asked = card["reply_to_message"]["message_id"]
    assert {v["reply_to_message"]["message_id"] for v in harness.videos()} == {asked}


@pytest.mark.parametrize(
    ("environment", "key"), [({}, "list_gone"), ({"LIMITS_LIST_ITEMS": "0"}, "link_profile")]
)
async def test_a_short_link_to_a_profile_that_cannot_be_offered_is_explained(
    harness: BotHarness, environment: dict[str, str], key: str
):
    harness.site.short_links["ZMdemo001"] = PROFILE
    await harness.start(**environment)
    await harness.say("/start")
    await harness.say("https://vm.tiktok.com/ZMdemo001/")
    assert harness.texts()[-1] == EN[key]


@pytest.mark.parametrize("is_reply", [False, True])
async def test_a_short_link_to_a_profile_gets_its_card_in_a_group_if_it_is_for_the_bot(
    harness: BotHarness, is_reply: bool
):
    profile(harness, 2)
    harness.site.short_links["ZMdemo001"] = PROFILE
    crew = harness.world.group(GROUP)
    crew.members = {harness.ada.id: "member"}
    await harness.start()
    asked = await harness.say("https://vm.tiktok.com/ZMdemo001/", chat=crew)
    assert crew.reactions == {asked["message_id"]: "😢"}
    assert "list/" not in str(harness.answers(crew))
    above: Json = {"reply_to_message": asked} if is_reply else {}
    link = "" if is_reply else asked["text"]
    await harness.say(f"@clipferry_demo_bot {link}", chat=crew, **above)
    card = card_in(harness, crew)
    assert card["text"] == "ferry.demo\n2 posts"
    await harness.press(card, find(card, "all"))
    assert len(harness.videos(crew)) == 2


@pytest.mark.parametrize("is_list", [True, False])
async def test_a_message_whose_list_was_offered_is_not_deleted(harness: BotHarness, is_list: bool):
    """The posts that are chosen answer it."""
    profile(harness, 2)
    site, crew = harness.site, harness.world.group(GROUP)
    site.short_links["ZMdemo001"] = PROFILE if is_list else f"{PROFILE}/video/{post_id(0)}"
    crew.members = {harness.ada.id: "creator"}
    await harness.start()
    await harness.say("/settings", chat=crew)
    await harness.press(harness.answers(crew)[-1], "set/delete_request")
    asked = await harness.say("@clipferry_demo_bot https://vm.tiktok.com/ZMdemo001/", chat=crew)
    assert (asked["message_id"] in crew.messages) is is_list
    if is_list:
        card = card_in(harness, crew)
        await harness.press(card, find(card, "all"))
        answered = {v["reply_to_message"]["message_id"] for v in harness.videos(crew)}
        assert answered == {asked["message_id"]}


async def test_a_list_is_read_again_when_the_site_is_back(harness: BotHarness):
    profile(harness, 2)
    harness.site.refused_proxies.add("proxy-1")
    await harness.start()
    await harness.say("/start")
    await harness.say(PROFILE)
    failure = harness.answers()[-1]
    harness.site.refused_proxies.clear()
    ((button,),) = failure["reply_markup"]["inline_keyboard"]
    await harness.press(failure, button["callback_data"])
    assert harness.texts()[-1] == "ferry.demo\n2 posts"


@pytest.mark.parametrize(("button", "requests"), [("all", 4), ("zipfirst", 1)])
async def test_chosen_posts_can_be_cancelled(harness: BotHarness, button: str, requests: int):
    card = await ask(harness, 4)
    harness.site.serves_files.clear()
    query = harness.world.press(harness.ada, card, find(card, button))
    await harness.until(lambda: query in harness.world.query_answers, "the notice")
    harness.world.say(harness.ada, "/cancel")
    await harness.until(
        lambda: TEXTS("en", "cancelled_all", count=requests) in harness.texts(),
        "what was cancelled",
    )
    harness.site.serves_files.set()
    await harness.settled()
    assert harness.videos() == []
    assert archives(harness) == {}


async def test_a_group_has_cards_for_who_names_the_bot_and_only_they_may_press(
    harness: BotHarness,
):
    profile(harness, 2)
    bo = harness.world.person(1002, "Bo")
    crew = harness.world.group(GROUP)
    crew.members = {harness.ada.id: "member", bo.id: "member"}
    await harness.start()
    await harness.say(PROFILE, chat=crew)
    assert harness.answers(crew) == []
    await harness.say(f"@clipferry_demo_bot {PROFILE}", chat=crew)
    card = card_in(harness, crew)
    assert card["text"] == "ferry.demo\n2 posts"
    for end in ("all", "page/0", "close"):
        answer = await harness.press(card, find(card, end), bo)
        assert answer["text"] == EN["not_yours"]
    assert harness.videos(crew) == []
    await harness.press(card, find(card, "all"))
    assert len(harness.videos(crew)) == 2


async def test_a_card_works_in_the_supergroup_that_its_group_becomes_meanwhile(
    harness: BotHarness,
):
    profile(harness, 2)
    crew = harness.world.group(GROUP)
    crew.members = {harness.ada.id: "member"}
    await harness.start()
    harness.world.say(harness.ada, f"@clipferry_demo_bot {PROFILE}", crew)
    moved = harness.world.migrate(harness.ada, crew, -1_002)
    await harness.until(lambda: harness.answers(moved), "the card")
    await harness.settled()
    card = card_in(harness, moved)
    await harness.press(card, find(card, "all"))
    videos = harness.videos(moved)
    assert len(videos) == 2
    assert {v["reply_to_message"]["message_id"] for v in videos} == {card["message_id"]}


async def test_a_closed_card_and_one_whose_data_were_deleted_are_gone(harness: BotHarness):
    card = await ask(harness, 2)
    every = find(card, "all")
    await harness.press(card, find(card, "close"))
    assert card["message_id"] not in harness.home.messages
    await harness.say(PROFILE)
    card = harness.answers()[-1]
    await harness.say("/privacy")
    about = harness.answers()[-1]
    await harness.press(about, "privacy/delete")
    await harness.press(about, "privacy/yes")
    for gone in (every, find(card, "all")):
        assert (await harness.press(card, gone))["text"] == EN["button_expired"]
    assert harness.videos() == []


def archives(harness: BotHarness) -> dict[str, list[str]]:
    """Return the names in each archive that has arrived, by its own name."""
    found = {}
    for document in (m["document"] for m in harness.answers() if "document" in m):
        with zipfile.ZipFile(harness.api.files.by_id[document["file_id"]].path) as archive:
            assert archive.testzip() is None
            found[document["file_name"]] = archive.namelist()
    return found


def members(*numbers: int) -> list[str]:
    """Return the names of posts of a profile in its archive."""
    return [f"0{number + 1}_{post_id(number)}.mp4" for number in numbers]


async def test_the_latest_posts_come_as_an_archive_that_names_what_is_missing(
    harness: BotHarness,
):
    card = await ask(harness, 4)
    harness.video(post_id(1), status=10204)
    assert await press(harness, card, "zipfirst") == TEXTS.plain("en", "list_zip_taken", count=4)
    assert archives(harness) == {"ferry_demo.zip": [*members(0, 2, 3), "missing.txt"]}
    (answer,) = (m for m in harness.answers() if "document" in m)
    file = "missing.txt"
    assert answer["caption"] == TEXTS.plain("en", "list_zip_missing", count=1, file=file)
    assert answer["reply_to_message"]["message_id"] == card["reply_to_message"]["message_id"]
    with zipfile.ZipFile(harness.api.files.by_id[answer["document"]["file_id"]].path) as archive:
        report = archive.read(file).decode()
    assert post_id(1) in report
    assert EN["media_unavailable"] in report
    assert await press(harness, card, "zipfirst") == EN["list_nothing_new"]
    assert harness.videos() == []


async def test_chosen_posts_come_as_an_archive(harness: BotHarness):
    card = await ask(harness, 4)
    await press(harness, card, "page/0")
    await press(harness, card, "tick/3")
    await press(harness, card, "tick/0")
    await press(harness, card, "zip")
    assert archives(harness) == {
        "ferry_demo.zip": ["01" + members(0)[0][2:], "02" + members(3)[0][2:]]
    }


async def test_an_archive_of_a_list_waits_for_room_in_the_queue(harness: BotHarness):
    card = await ask(harness, 2, LIMITS_WAITING_LINKS="1")
    harness.site.serves_files.clear()
    query = harness.world.press(harness.ada, card, find(card, "all"))
    await harness.until(lambda: query in harness.world.query_answers, "the notice")
    query = harness.world.press(harness.ada, card, find(card, "zipfirst"))
    await harness.until(lambda: query in harness.world.query_answers, "the notice")
    assert harness.world.query_answers[query]["text"] == EN["list_no_room"]
    harness.site.serves_files.set()
    await harness.settled()
    assert archives(harness) == {}


async def test_the_files_of_a_post_come_as_an_archive_once(harness: BotHarness):
    pictures = tuple(harness.samples.picture(200 + n, 300, "s") for n in range(5))
    harness.video(pictures=pictures)
    await harness.start()
    await harness.say("/start")
    await harness.say(VIDEO.replace("/video/", "/photo/"))
    below = harness.answers()[-1]
    for _ in range(2):
        await harness.press(below, f"zip/tiktok/{ID}")
    first, second = [m["document"] for m in harness.answers() if "document" in m]
    assert first["file_name"] == f"{ID}.zip"
    assert first["file_id"] == second["file_id"]  # from the cache
    assert f"zip/tiktok/{ID}" in str(below["reply_markup"])
    with zipfile.ZipFile(harness.api.files.by_id[first["file_id"]].path) as archive:
        assert archive.namelist() == [f"0{n}.jpg" for n in range(1, 6)]
        assert [archive.read(name) for name in archive.namelist()] == [
            picture.read_bytes() for picture in pictures
        ]


async def test_an_archive_over_the_limit_comes_in_parts(harness: BotHarness):
    large = harness.samples.video(VideoSpec(padded_bytes=30_000_000))
    videos = tuple(Media(large, is_video=True) for _ in range(2))
    harness.instagram.add(InstagramPost("DemoParts01", videos))
    await harness.start()
    await harness.say("/start")
    welcome = harness.answers()[-1]
    await harness.press(welcome, "zip/instagram/DemoParts01")
    archives = [m["document"] for m in harness.answers() if "document" in m]
    assert [a["file_name"] for a in archives] == ["DemoParts01.1of2.zip", "DemoParts01.2of2.zip"]
    names = []
    for each in archives:
        with zipfile.ZipFile(harness.api.files.by_id[each["file_id"]].path) as archive:
            assert archive.testzip() is None
            names += archive.namelist()
    assert names == ["01.mp4", "02.mp4"]


async def test_a_post_with_few_pictures_has_no_archive(harness: BotHarness):
    harness.video(pictures=tuple(harness.samples.picture(200 + n, 300, "s") for n in range(3)))
    await harness.start()
    await harness.say("/start")
    await harness.say(VIDEO.replace("/video/", "/photo/"))
    assert "zip/" not in str(harness.answers()[-1]["reply_markup"])
