"""Circuit breaker: stops using a route to a site for a while when it keeps failing."""

import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _RouteState:
    """The recent failures of one route."""

    #: The posts that have failed since the last success.
    failed_posts: set[str] = field(default_factory=set)
    #: Clock time until which the circuit is open; None while it is closed.
    open_until: float | None = None


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a circuit opens, and for how long."""

    #: Number of different posts that fail in a row.
    failure_threshold: int = 5
    #: How long the circuit stays open, in seconds.
    pause_s: float = 60.0


class CircuitBreaker:
    """One circuit per route: closed, open or half-open.

    A circuit opens after failures, and stays open for a while. Then it is half-open and lets one
    attempt through: a success closes it, a failure opens it again. Posts are counted instead of
    attempts, because one broken post that is requested repeatedly must not block the route for all
    others.

    See https://martinfowler.com/bliki/CircuitBreaker.html.
    """

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._states: dict[Hashable, _RouteState] = {}

    def allows(self, route: Hashable) -> bool:
        """Return True if the route may be used now.

        In the half-open state the first call returns True and claims the one attempt.
        """
        state = self._states.get(route)
        if state is None or state.open_until is None:
            return True
        now = self._clock()
        if now < state.open_until:
            return False
        # Block other requests while this attempt runs, but no longer than one pause: the attempt
        # may never report its result.
        state.open_until = now + self._policy.pause_s
        return True

    def open_routes(self) -> list[str]:
        """Return the names of the routes that may not be used now."""
        now = self._clock()
        return [
            str(route)
            for route, state in self._states.items()
            if state.open_until is not None and state.open_until > now
        ]

    def record_success(self, route: Hashable) -> None:
        """Close the route's circuit and forget its failures."""
        if self._states.pop(route, _RouteState()).open_until is not None:
            logger.info(
                "The circuit breaker of %s has closed: the route works again",
                route,
                extra={"event": "circuit_breaker_closed"},
            )

    def record_failure(self, route: Hashable, post: str) -> None:
        """Count a failure of a route at a post, and open its circuit at the threshold."""
        state = self._states.setdefault(route, _RouteState())
        if len(state.failed_posts) < self._policy.failure_threshold:
            state.failed_posts.add(post)
        if len(state.failed_posts) >= self._policy.failure_threshold:
            if state.open_until is None:
                logger.warning(
                    "The circuit breaker of %s has opened after failures at %d different posts "
                    "in a row; the next attempt is in %d s",
                    route,
                    self._policy.failure_threshold,
                    self._policy.pause_s,
                    extra={"event": "circuit_breaker_opened"},
                )
            state.open_until = self._clock() + self._policy.pause_s
