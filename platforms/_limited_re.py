"""Python's `re` for yt-dlp, with a time limit, and without stopping the rest of the bot.

`re` holds the interpreter until a search has ended, and nothing interrupts it. Many of yt-dlp's
patterns take the square of a text's length or more, so one text could stop the event loop for
hours. The library `regex` understands the same patterns, lets other threads run while it searches,
and ends at a time limit. Source: https://github.com/mrabarnett/mrab-regex#readme, "Multithreading"
and "Timeout".
"""

import importlib
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache, lru_cache, partial
from types import ModuleType, SimpleNamespace
from typing import Any, Final, TypeVar

from platforms._reader_threads import PageRead

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Shorter texts are searched by `re`: there it takes too little time to matter.
_MIN_CHARACTERS: Final = 500
#: Methods of a pattern that search, and the position of the text among their arguments.
_METHODS: Final = {
    **dict.fromkeys(("search", "match", "fullmatch", "findall", "finditer", "split"), 0),
    **dict.fromkeys(("sub", "subn"), 1),
}
#: What `regex` takes for approximate matching, and `re` for itself.
_APPROXIMATE: Final = re.compile(r"(?<!\\)\{\s*(?:\d+\s*<=?\s*)?\d*[deis]\s*[}<+,:]")
#: `regex` gives this flag another value than `re`.
_ASCII: Final = re.ASCII.value
#: The read that the current thread belongs to; None in other threads.
_READ: Final[ContextVar[PageRead | None]] = ContextVar("page_read", default=None)


def limit_searches(page_read: PageRead) -> None:
    """Make yt-dlp search within the time of a read, as far as this thread is concerned.

    To be called when the extractor has been imported.
    """
    _READ.set(page_read)
    _replace_re(len(sys.modules))


@cache
def _replace_re(_loaded: int) -> None:
    """Replace `re` and patterns in yt-dlp's modules; again only after more modules were loaded."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "yt_dlp":
            if vars(module).get("re") is re:
                module.re = LIMITED_RE  # type: ignore[attr-defined] # not every module has it
            _replace_patterns(module)
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__module__ == name:
                    _replace_patterns(value)


def _replace_patterns(owner: ModuleType | type) -> None:
    for name, value in list(vars(owner).items()):
        if isinstance(value, re.Pattern):
            setattr(owner, name, LimitedPattern(value))


class LimitedPattern:
    """A pattern that `re` has compiled, with the same attributes and methods."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        self.compiled = pattern

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the pattern, or a method with the limit."""
        if name in _METHODS:
            return partial(_run, name, self, 0)
        return getattr(self.compiled, name)


def _run(method: str, pattern: Any, flags: int, *args: Any, **options: Any) -> Any:
    """Call a method of a pattern; if the text is long and belongs to a read, that of `regex`.

    Raises:
        UnreadablePageError: the read has used its time for searches.
        PlatformUnreachableError: the read is over.
    """
    read = _READ.get() if len(args[_METHODS[method]]) >= _MIN_CHARACTERS else None
    compiled = pattern.compiled if isinstance(pattern, LimitedPattern) else pattern
    compiled = re.compile(compiled, flags)
    endable = _endable(compiled.pattern, compiled.flags) if read else None
    if read is None or endable is None:
        return getattr(compiled, method)(*args, **options)
    limit_s = read.start_search()
    found = _timed(read, partial(getattr(endable, method), *args, **options, timeout=limit_s))
    return _each(found, read) if method == "finditer" else found


def _each(found: Iterator[Any], read: PageRead) -> Iterator[Any]:
    """Yield matches; each is searched for when it is asked for."""
    while match := _timed(read, partial(next, found, None)):
        yield match


def _timed(read: PageRead, search: Callable[[], T]) -> T:
    began_at = time.thread_time()
    try:
        return search()
    except TimeoutError:
        raise read.too_slow() from None
    finally:
        read.search_s_left -= time.thread_time() - began_at


@lru_cache(1_000)
def _endable(pattern: str | bytes, flags: int) -> Any:
    """Return a pattern of `regex`; None for what only `re` understands."""
    regex = _regex()
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    if flags & _ASCII:
        flags = flags & ~_ASCII | regex.ASCII
    try:
        return None if _APPROXIMATE.search(text) else regex.compile(pattern, flags)
    except regex.error as error:
        logger.warning(
            "A pattern of yt-dlp has no time limit: %s", error, extra={"event": "pattern_unlimited"}
        )
        return None


@cache
def _regex() -> Any:
    """Import `regex`: at the first long text, because it takes some milliseconds and megabytes."""
    regex = importlib.import_module("regex")
    LIMITED_RE.Match = re.Match | regex.Match
    return regex


def _function(method: str) -> Callable[..., Any]:
    def call(pattern: Any, string: Any, flags: int = 0) -> Any:
        return _run(method, pattern, flags, string)

    return call


def _replacing(method: str) -> Callable[..., Any]:
    def call(pattern: Any, repl: Any, string: Any, count: int = 0, flags: int = 0) -> Any:
        return _run(method, pattern, flags, repl, string, count)

    return call


def _split(pattern: Any, string: Any, maxsplit: int = 0, flags: int = 0) -> Any:
    return _run("split", pattern, flags, string, maxsplit)


def _compile(pattern: Any, flags: int = 0) -> LimitedPattern:
    if isinstance(pattern, LimitedPattern):
        return pattern
    return LimitedPattern(re.compile(pattern, flags))


#: What yt-dlp's modules have in place of `re`.
LIMITED_RE: Final[Any] = SimpleNamespace(
    **{
        **{name: getattr(re, name) for name in re.__all__},
        **{name: _function(name) for name in _METHODS},
        **{name: _replacing(name) for name in ("sub", "subn")},
        "split": _split,
        "compile": _compile,
        "Pattern": re.Pattern | LimitedPattern,
    }
)
