"""The sites' accounts on disk: which request uses which one, and what is stored about them.

`<folder>/<site>/` has three files for each identity: `<name>.txt` with its cookies, `<name>.json`
with its health, and `<name>.lock`, which is locked while a request uses it. Locks end with their
process, however it ends, and hold between all processes that share the folder.
"""

import asyncio
import fcntl
import logging
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from uuid import uuid4
from zlib import crc32

from core.clock import Clock, system_clock
from core.errors import (
    CookieFileError,
    IdentitiesBusyError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    SettingsError,
)
from core.identities import (
    FROM_SETTING,
    Cookie,
    Health,
    Identity,
    IdentityState,
    Reason,
    free_name,
    has_trouble,
    is_name,
    last_expiry,
    read_cookies,
    read_exit,
    read_upload,
    usable,
    write_cookies,
)
from core.recent import RecentValues
from platforms._platform import Platform
from platforms._proxies import Proxy, ProxyPool

logger = logging.getLogger(__name__)

#: File with the name of the folder.
_FOLDER_ID: Final = ".id"
#: How often a request looks for a free identity, in seconds: another process may have it.
_LOOK_S: Final = 0.1
#: Number of posts that are remembered because an identity was refused at them.
_MAX_POSTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Lease:
    """An identity that one request uses."""

    identity: Identity
    #: The text of its cookie file.
    cookies: str = field(repr=False)
    _lock: int

    def end(self) -> None:
        """Release the identity, so that the next request may use it."""
        os.close(self._lock)


@dataclass(frozen=True, slots=True)
class _CookieFile:
    """A cookie file as it was when it was read."""

    version: tuple[int, int, int]
    changed_at: float
    exit: str
    cookies: list[Cookie]


class Identities:
    """All identities of a machine.

    Their cookies are read when a request uses them, so files may be added and replaced at any time.
    """

    def __init__(
        self,
        folder: Path | None,
        proxies: ProxyPool,
        cookies_file: Path | None = None,
        *,
        wait_s: float = 0,
        clock: Clock = system_clock,
    ) -> None:
        """Build them; without a folder there are none.

        `cookies_file` is the file of `[network] cookies_file`, which may have cookies of several
        sites. `wait_s` is the longest time for which a request waits for an identity, in seconds.
        """
        self._folder = folder
        self._proxies = proxies
        self._cookies_file = cookies_file
        self._wait_s = wait_s
        self._clock = clock
        #: Which identity was refused at which post of which site, oldest first.
        self._refused_at = RecentValues[tuple[str, str], str](_MAX_POSTS)
        self._parsed: dict[Path, _CookieFile] = {}
        #: It was logged that a folder cannot be read.
        self._is_unreadable = False

    @property
    def exits(self) -> list[str]:
        """Return the names of all proxies."""
        return list(dict.fromkeys(proxy.name for proxy in self._proxies.all))

    def has_any(self, platform: Platform) -> bool:
        """Return True if a site has identities, whether they can be used or not."""
        return next(self._files(platform), None) is not None

    def listed(self, platform: Platform) -> list[Identity]:
        """Return the identities of a site, the one of the setting first, then by name."""
        loaded = (self._load(platform, name) for name, _ in self._files(platform))
        return [found[0] for found in loaded if found]

    def find(self, platform: Platform, name: str) -> Identity | None:
        """Return an identity by its name."""
        found = self._load(platform, name)
        return found[0] if found else None

    def state(self, identity: Identity) -> IdentityState:
        """Return whether an identity can be used now."""
        return identity.state(self.exits, self._clock())

    def has_trouble(self, platform: Platform) -> bool | None:
        """Return whether all identities of a site have failed; see `core.identities`."""
        return has_trouble(self.listed(platform), self.exits, self._clock())

    def folder_id(self) -> str:
        """Return what names the folder in all processes that share it, also in containers.

        "" if it cannot be written.
        """
        assert self._folder
        file = self._folder / _FOLDER_ID
        try:
            if not file.exists():
                _write(file, uuid4().hex)
            return file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return ""

    # --- use --------------------------------------------------------------------------------------

    def exits_of(self, platform: Platform, proxy: Proxy) -> list[Proxy]:
        """Return the proxies over which a site can be read signed in, the best one first.

        `proxy` is the one for identities that may use any. Empty if no identity can be used.
        """
        return list(dict.fromkeys(self._exit_of(one, proxy) for one in self._usable(platform)))

    @asynccontextmanager
    async def lease(self, platform: Platform, proxy: Proxy, post: str) -> AsyncIterator[str]:
        """Use the least recently used identity for a post over a proxy; yield its cookies.

        Nobody else uses it meanwhile. A refusal in the block puts it to rest.

        Raises:
            IdentitiesBusyError: none became free in time.
        """
        lease = await self._wait(platform, proxy)
        identity = lease.identity
        try:
            yield lease.cookies
        except (PlatformRefusedError, PlatformRateLimitedError) as error:
            if self._is_to_blame(identity, post, error):
                self._put_to_rest(platform, identity, error)
            raise
        else:
            self._change(identity, lambda health: health.worked(self._clock()))
        finally:
            lease.end()

    async def _wait(self, platform: Platform, proxy: Proxy) -> Lease:
        end = time.monotonic() + self._wait_s
        while (lease := self._take(platform, proxy)) is None:
            if time.monotonic() >= end:
                raise IdentitiesBusyError(platform.name)
            await asyncio.sleep(_LOOK_S)
        return lease

    def _take(self, platform: Platform, proxy: Proxy) -> Lease | None:
        """Lock the first identity that is free, and read its cookies; None if all are in use.

        Raises:
            IdentitiesBusyError: none can become free.
        """
        is_worth_waiting = False
        for identity in self._usable(platform):
            if self._exit_of(identity, proxy) != proxy:
                continue
            try:
                if lease := self._lock(platform, identity):
                    return lease
                is_worth_waiting = True
            except OSError as error:
                logger.warning(
                    "The account %s of %s cannot be used: %s",
                    identity.name,
                    platform.title,
                    error.strerror,
                    extra={"event": "identity_unusable"},
                )
        if not is_worth_waiting:
            raise IdentitiesBusyError(platform.name)
        return None

    def _lock(self, platform: Platform, identity: Identity) -> Lease | None:
        """Lock an identity and read its cookies; return None if another request uses it.

        Raises:
            OSError: its files cannot be used.
        """
        lock = _lock(self._path(identity, "lock"))
        if lock is None:
            return None
        # Another process may have changed it since it was listed.
        found = self._load(platform, identity.name)
        if found is None or self.state(found[0]) is not IdentityState.READY:
            os.close(lock)
            return None
        latest, cookies = found
        self._change(latest, lambda health: health.used(self._clock()))
        return Lease(latest, write_cookies(cookies), lock)

    def _usable(self, platform: Platform) -> list[Identity]:
        return usable(self.listed(platform), self.exits, self._clock())

    def _exit_of(self, identity: Identity, proxy: Proxy) -> Proxy:
        if not identity.exit:
            return proxy
        # Sessions of a provider may differ in their credentials only: one identity keeps to one.
        same = [one for one in self._proxies.all if one.name == identity.exit]
        return same[crc32(f"{identity.site}/{identity.name}".encode()) % len(same)]

    def _is_to_blame(self, identity: Identity, post: str, error: Exception) -> bool:
        """Return False if another identity was refused at the same post: it is the post then.

        Otherwise whoever sends one strange link often enough would put all of them to rest.
        """
        if isinstance(error, PlatformRateLimitedError):
            return True
        first = self._refused_at.setdefault((identity.site, post), identity.name)
        return first == identity.name

    def _put_to_rest(
        self,
        platform: Platform,
        identity: Identity,
        error: PlatformRefusedError | PlatformRateLimitedError,
    ) -> None:
        latest = self.find(platform, identity.name)
        if latest is None or latest.added_at != identity.added_at:
            return  # It was removed, or has got new cookies meanwhile.
        now = self._clock()
        health = self._change(identity, lambda before: before.refused(Reason.of(error), now))
        logger.warning(
            "The account %s of %s is paused for %d minutes: %s",
            identity.name,
            platform.title,
            ((health.rests_until or now) - now) // 60,
            error,
            extra={"event": "identity_rests"},
        )

    # --- changes by administrators ----------------------------------------------------------------

    def add(self, platform: Platform, name: str, proxy_name: str, data: bytes) -> Identity:
        """Store the cookies of a file that somebody has sent, as a new or a renewed identity.

        An empty `name` stands for the first free number; `proxy_name` is the only proxy that the
        identity may use, or "".

        Raises:
            CookieFileError: the file is of no use.
            OSError: it cannot be stored.
        """
        cookies = read_upload(data, platform.page_hosts.domains, self._clock())
        taken = [identity.name for identity in self.listed(platform)]
        identity = Identity(platform.name, name or free_name(taken))
        _write(self._path(identity, "txt"), write_cookies(cookies, proxy_name))
        self._change(identity, Health.woken)
        return self.find(platform, identity.name) or identity

    def remove(self, identity: Identity) -> None:
        """Delete an identity and its cookies."""
        for ending in ("txt", "json", "lock"):
            self._path(identity, ending).unlink(missing_ok=True)
        self._parsed.pop(self._path(identity, "txt"), None)

    def rest(self, identity: Identity) -> None:
        """Put an identity to rest until somebody wakes it."""
        self._change(identity, Health.put_to_rest)

    def wake(self, identity: Identity) -> None:
        """Let requests use an identity again."""
        self._change(identity, Health.woken)

    # --- files ------------------------------------------------------------------------------------

    def _files(self, platform: Platform) -> Iterator[tuple[str, Path]]:
        """Yield the name and the cookie file of each identity of a site."""
        if self._folder is None or not platform.takes_accounts:
            return
        if self._cookies_file:
            yield FROM_SETTING, self._cookies_file
        for path in self._cookie_files(self._folder / platform.name):
            if is_name(path.stem):
                yield path.stem, path

    def _cookie_files(self, folder: Path) -> list[Path]:
        """Return the cookie files of a site; none if its folder cannot be read, which is logged."""
        try:
            paths = sorted(folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            if not self._is_unreadable:
                logger.warning(
                    "The folder of accounts %s cannot be read: %s",
                    folder,
                    error.strerror,
                    extra={"event": "identities_unreadable"},
                )
            self._is_unreadable = True
            return []
        return [path for path in paths if path.suffix == ".txt"]

    def _load(self, platform: Platform, name: str) -> tuple[Identity, list[Cookie]] | None:
        """Return an identity with its cookies; None if its file is of no use for the site."""
        path = dict(self._files(platform)).get(name)
        file = self._file(path) if path else None
        domains = platform.page_hosts.domains
        cookies = [cookie for cookie in file.cookies if cookie.is_of(domains)] if file else []
        if not file or not cookies:
            return None
        proxy_name = "" if name == FROM_SETTING else file.exit
        identity = Identity(platform.name, name, proxy_name, file.changed_at, last_expiry(cookies))
        return replace(identity, health=self._health(identity)), cookies

    def _file(self, path: Path) -> "_CookieFile | None":
        """Return a cookie file, which is parsed when it has changed; None if it is of no use."""
        try:
            found = path.stat()
            version = (found.st_ino, found.st_size, found.st_mtime_ns)
            known = self._parsed.get(path)
            if known is None or known.version != version:
                text = path.read_text(encoding="utf-8-sig")
                known = _CookieFile(version, found.st_mtime, read_exit(text), read_cookies(text))
                self._parsed[path] = known
        except (OSError, UnicodeDecodeError, CookieFileError):
            return None
        return known

    def _health(self, identity: Identity) -> Health:
        try:
            return Health.from_json(self._path(identity, "json").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return Health()

    def _change(self, identity: Identity, change: Callable[[Health], Health]) -> Health:
        health = change(self._health(identity))
        try:
            _write(self._path(identity, "json"), health.as_json())
        except OSError as error:
            logger.warning(
                "Could not store the state of an account: %s",
                error.strerror,
                extra={"event": "identity_not_stored"},
            )
        return health

    def _path(self, identity: Identity, ending: str) -> Path:
        assert self._folder
        return self._folder / identity.site / f"{identity.name}.{ending}"


def check_cookies(cookies_file: Path) -> list[Cookie]:
    """Return the cookies of the file that a setting names.

    Raises:
        SettingsError: the file is not in Netscape format, or has no cookies. Its content is not
            quoted.
    """
    try:
        return read_cookies(cookies_file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, CookieFileError) as error:
        detail = error.detail if isinstance(error, CookieFileError) else type(error).__name__
        raise SettingsError(
            [f"{cookies_file}: not a cookie file in Netscape format ({detail})"]
        ) from None


def _lock(path: Path) -> int | None:
    """Lock a file; return its descriptor, or None if somebody else has locked it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it is whole at every moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")  # with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
