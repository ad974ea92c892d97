"""Ports for servers that must be told theirs before they start."""

import socket
from collections import deque
from typing import Final

#: More than one test uses. Older ones are given back.
_HELD: Final = 64
_held: deque[socket.socket] = deque()


def free_port() -> int:
    """Return a port on loopback that only a server which is told of it can get.

    A socket that is bound and does not listen holds it: Linux gives such a port neither to a client
    nor to a server that takes any port, and one that sets SO_REUSEADDR, as those of asyncio and Go
    do, may still listen on it.
    """
    if len(_held) == _HELD:
        _held.popleft().close()
    holder = socket.socket()
    _held.append(holder)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    return port
