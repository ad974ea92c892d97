"""Access: who may use the bot, by the settings and the list that administrators keep."""

from collections.abc import Iterable, Sequence
from typing import Final

from core.access import Mode, Standing, Visitor, is_listed
from data.access import access_entries, add_access_entry, remove_access_entry
from delivery.membership import Membership

#: Stands for the settings where an entry names the administrator who has added it.
_BY_SETTINGS: Final = 0


class AccessPolicy:
    """Decides who may use the bot.

    The list is small and held in memory; `refresh` loads what other processes have changed.
    """

    def __init__(
        self,
        mode: Mode,
        membership: Membership,
        *,
        exempt: frozenset[int],
        fixed: Iterable[str] = (),
        channels: Sequence[str] = (),
        join_url: str = "",
    ) -> None:
        """Build it with the entries of the settings; people in `exempt` are always allowed."""
        self.mode: Mode = mode
        #: Ids or @names of the channels whose members are allowed.
        self.channels = channels
        #: Where to join; empty: at the address of the channel.
        self.join_url = join_url
        #: The entries of the settings.
        self.fixed = frozenset(fixed)
        self._membership = membership
        self._exempt = exempt
        self._added: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether everyone may use the bot."""
        return self.mode == "everyone"

    @property
    def entries(self) -> frozenset[str]:
        """All entries of the list: those of the settings, and those of the administrators."""
        return self.fixed | self._added

    async def judge(self, visitor: Visitor) -> Standing:
        """Decide about somebody. Where everyone is allowed, or a list decides, nothing is asked."""
        if self.is_open or visitor.sender_id in self._exempt or is_listed(visitor, self.entries):
            return Standing.ALLOWED
        if self.mode == "listed":
            return Standing.NOT_LISTED
        # Such as a channel in its discussion group.
        if not visitor.is_person and self._membership.has_channel(
            visitor.sender_id, visitor.username
        ):
            return Standing.ALLOWED
        if visitor.sender_id is None or not visitor.is_person:
            return Standing.NOT_A_MEMBER
        return await self._membership.standing(visitor.sender_id)

    async def refresh(self) -> None:
        """Load the list from the database.

        Raises:
            StorageError: the database did not respond.
        """
        self._added = await access_entries()

    async def add(self, entry: str, admin_id: int) -> bool:
        """Add an entry; return False if it is on the list already.

        Raises:
            StorageError: the database did not respond.
        """
        is_new = entry not in self.fixed and await add_access_entry(entry, admin_id)
        await self.refresh()
        return is_new

    async def remove(self, entry: str) -> bool:
        """Remove an entry; return False if administrators have not added it.

        Raises:
            StorageError: the database did not respond.
        """
        was_there = await remove_access_entry(entry)
        await self.refresh()
        return was_there

    async def follow(self, old_id: int, new_id: int) -> None:
        """Let a group in under the id that it has as a supergroup.

        `data.chats.move_chat` has moved what administrators had added; a setting keeps the old id.

        Raises:
            StorageError: the database did not respond.
        """
        if str(old_id) in self.fixed:
            await self.add(str(new_id), _BY_SETTINGS)
        await self.refresh()
