"""Use inline mode and guest mode in chats that the bot is not a member of."""

from simulator.samples import VideoSpec
from simulator.sites.instagram import InstagramPost, Media
from simulator.telegram.world import Chat, Json, Person
from tests.e2e.bot_harness import BotHarness

STORAGE = -1_000_777
ON = {"INLINE_STORAGE_CHAT": str(STORAGE)}
ALBUM = "https://www.instagram.com/p/DemoPhoto01/"


class InlineHarness:
    """Inline queries of a user, and the group that receives the results."""

    def __init__(self, harness: BotHarness) -> None:
        self.harness = harness
        self.mode = harness.api.methods.inline
        self.friends = harness.world.group(-5005, "Friends")
        harness.world.chats[STORAGE] = Chat(STORAGE, "channel", title="Storage")

    async def type(self, text: str, person: Person | None = None) -> list[Json]:
        """Send an inline query; return the results."""
        self.query = self.mode.ask(person or self.harness.ada, text)
        self.text = text
        await self.harness.until(lambda: self.query in self.mode.answers, "an answer")
        cards: list[Json] = self.mode.answers[self.query]["results"]
        return cards

    async def send(self, card: str, person: Person | None = None) -> Json:
        """Choose an inline result for the group; return the finished message."""
        message = self.mode.choose(
            person or self.harness.ada, self.query, card, self.text, self.friends
        )
        await self.harness.settled()
        return message

    async def press(self, message: Json, data: str, person: Person | None = None) -> Json:
        """Press a button of an inline message; return the parameters of the bot's answer."""
        query = self.mode.press(person or self.harness.ada, self.mode.id_of(message), data)
        await self.harness.settled()
        return self.harness.world.query_answers[query]


def album(harness: BotHarness) -> None:
    photo = Media(harness.samples.picture(400, 500, "i"))
    film = Media(harness.samples.video(VideoSpec()), is_video=True)
    harness.instagram.add(InstagramPost("DemoPhoto01", (photo, film, *[photo] * 10)))


def arrows(message: Json) -> list[str]:
    rows = message["reply_markup"]["inline_keyboard"]
    return [button["callback_data"] for button in rows[-1]]
