"""The handlers for administrators that share /admin, and the order in which they are asked."""

from dataclasses import dataclass

from aiogram import Router

from handlers.admin import bans, error_reports, identities, menu, people
from handlers.admin.bans import BanMenu
from handlers.admin.error_reports import ErrorReportMenu
from handlers.admin.identities import IdentityMenu
from handlers.admin.menu import AdminMenu
from handlers.admin.people import PeopleMenu


@dataclass(frozen=True, slots=True)
class AdminTools:
    """The menu, and the sections that have commands or take messages."""

    menu: AdminMenu
    people: PeopleMenu
    bans: BanMenu
    error_reports: ErrorReportMenu
    identities: IdentityMenu

    def commands(self, admins: frozenset[int]) -> list[Router]:
        """Return the routers of /admin, /user, /ban, /unban and /log."""
        return [
            menu.commands(self.menu, admins),
            people.commands(self.people, admins),
            bans.commands(self.bans, admins),
            error_reports.commands(self.error_reports, admins),
        ]

    def routers(self, admins: frozenset[int]) -> list[Router]:
        """Return the routers of buttons and messages. Include them before the link handlers."""
        return [
            menu.router(self.menu, admins),
            people.router(self.people, admins),
            identities.router(self.identities, admins),
        ]
