"""Read posts and download files from media sites.

Each public module defines one site as its `PLATFORM`. This is the only package that imports yt-dlp
and curl_cffi.
"""

from platforms._circuit_breaker import BreakerPolicy
from platforms._download import trust_length
from platforms._external_apis import ExternalServices, po_token_version
from platforms._fetcher import Attempt, Fetcher, FetchPolicy
from platforms._files import FileRequest, FileVersion, IsTruncated, SavedFile
from platforms._identities import Identities, check_cookies
from platforms._partial import SelectPart
from platforms._platform import PageKind, Platform
from platforms._proxies import Proxy, ProxyPool, is_open, load_proxies
from platforms._registry import Registry, load_registry
from platforms._spool import DiskWaits, Spool, Workspace
from platforms._ytdlp import (
    js_runtime,
    js_solver,
    reader_folder,
    reader_version,
    wanted_js_solver,
)

__all__ = [
    "Attempt",
    "BreakerPolicy",
    "DiskWaits",
    "ExternalServices",
    "FetchPolicy",
    "Fetcher",
    "FileRequest",
    "FileVersion",
    "Identities",
    "IsTruncated",
    "PageKind",
    "Platform",
    "Proxy",
    "ProxyPool",
    "Registry",
    "SavedFile",
    "SelectPart",
    "Spool",
    "Workspace",
    "check_cookies",
    "is_open",
    "js_runtime",
    "js_solver",
    "load_proxies",
    "load_registry",
    "po_token_version",
    "reader_folder",
    "reader_version",
    "trust_length",
    "wanted_js_solver",
]
