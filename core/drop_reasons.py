"""Why an update is dropped on purpose, in the order in which it is decided."""

from typing import Literal

#: The label of the metric `clipferry_dropped`. CONTRIBUTING says where each is decided.
DropReason = Literal[
    "other_bot",
    "banned",
    "flood",
    "not_allowed",
    "own_answer",
    "duplicate",
    "not_mentioned",
    "direct_messages",
    "opted_out",
    "channel_copy",
    "muted_site",
    "too_many_links",
    "waiting_links",
    "served_links",
    "repeated_update",
    "repeated_post",
]
