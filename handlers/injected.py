"""What handlers can ask for by parameter name, and its type."""

from typing import TypedDict

from aiogram import Bot
from aiogram.filters import CommandObject

from core.choices import Choice
from core.media import Link
from delivery.moved_chats import MovedChats
from delivery.sender import Sender
from handlers.admin.waiting import AwaitedCookies
from misc.addressing import BotAccount
from misc.bundles import Bundles
from misc.chat_lookup import ChatLookup
from misc.intake import RequestIntake
from misc.middlewares.ban_list import BanList
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.opt_outs import OptOutList
from misc.ui.help import BotProfile
from misc.ui.settings_menu import SettingsMenu
from misc.ui.texts import Texts
from platforms import Registry, Spool
from services.access import AccessPolicy
from services.exports import Exports
from services.requests.cancelling import Canceller
from services.requests.versions import VersionFinder


class Injected(TypedDict):
    """The dispatcher's own data: the same objects for every update."""

    sender: Sender
    texts: Texts
    registry: Registry
    intake: RequestIntake
    canceller: Canceller
    running_buttons: RunningButtons
    deduplicator: Deduplicator
    bundles: Bundles
    bans: BanList
    account: BotAccount
    opt_outs: OptOutList
    settings_menu: SettingsMenu
    spool: Spool
    exports: Exports
    version_finder: VersionFinder
    access: AccessPolicy
    moved: MovedChats
    profile: BotProfile
    chat_lookup: ChatLookup


class PerUpdate(TypedDict):
    """What aiogram, middlewares and filters add for one update."""

    #: aiogram.
    bot: Bot
    #: aiogram's `Command` filter.
    command: CommandObject
    #: `misc.middlewares.update_acks`.
    ack: UpdateAck
    #: `misc.middlewares.registration`: in handlers of messages and callback queries.
    chat: ChatView
    #: `misc.filters.NamesVersion`.
    choice: Choice
    #: `misc.filters.HasLinks` and `misc.filters.NamesVersion`.
    links: list[Link]
    #: `misc.filters.HasList`.
    list_link: Link
    #: `misc.filters.Composing` and `misc.filters.AnswersCard`: the id of the broadcast.
    broadcast: int
    #: `handlers.admin.waiting.AwaitsCookies`.
    awaited: AwaitedCookies
