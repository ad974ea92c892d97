"""How soon it is noticed that PostgreSQL has vanished without a word, such as with its machine.

By default, Linux notices after a quarter of an hour, and on a silent connection after two hours.
"""

import socket
from typing import Any, Final

#: How long the network may lose everything before a connection is given up, in seconds.
LOST_S: Final = 20
_IDLE_S: Final = LOST_S // 2
_INTERVAL_S: Final = LOST_S // 4
_PROBES: Final = 2
_USER_TIMEOUT_MS: Final = LOST_S * 1_000

#: For libpq.
#: Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-KEEPALIVES
LIBPQ_KEEPALIVE: Final = {
    "keepalives_idle": str(_IDLE_S),
    "keepalives_interval": str(_INTERVAL_S),
    "keepalives_count": str(_PROBES),
    "tcp_user_timeout": str(_USER_TIMEOUT_MS),
}
#: The same for sockets; no system but Linux has all of them.
#: Source: https://man7.org/linux/man-pages/man7/tcp.7.html
_OPTIONS: Final = {
    "TCP_KEEPIDLE": _IDLE_S,
    "TCP_KEEPINTVL": _INTERVAL_S,
    "TCP_KEEPCNT": _PROBES,
    "TCP_USER_TIMEOUT": _USER_TIMEOUT_MS,
}


def keep_alive(connected: Any) -> None:
    """Let the system give up a socket whose other end has vanished; a Unix socket has no network.

    `connected` is what a transport of asyncio calls its socket.
    """
    if connected.family == socket.AF_UNIX:
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        if (option := getattr(socket, name, None)) is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)
