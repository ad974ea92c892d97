"""People whose links are not answered in groups unless the bot is mentioned."""

from data.opt_outs import opt_in, opt_out, opted_out


class OptOutList:
    """The list is small and held in memory; `refresh` loads what other processes have changed."""

    def __init__(self) -> None:
        self._senders: frozenset[int] = frozenset()

    async def refresh(self) -> None:
        """Load the list from the database.

        Raises:
            StorageError: the database did not respond.
        """
        self._senders = await opted_out()

    async def add(self, sender_id: int) -> None:
        """Stop answering somebody's links.

        Raises:
            StorageError: the database did not respond.
        """
        await opt_out(sender_id)
        self._senders |= {sender_id}

    async def remove(self, sender_id: int) -> bool:
        """Answer somebody's links again; return False if that changes nothing.

        Raises:
            StorageError: the database did not respond.
        """
        was_listed = await opt_in(sender_id)
        self._senders -= {sender_id}
        return was_listed

    def __contains__(self, sender_id: object) -> bool:
        """Return True if this person's links are not answered."""
        return sender_id in self._senders
