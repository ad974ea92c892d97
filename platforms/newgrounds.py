"""Movies and music on Newgrounds, through the operator's cobalt. Not allowed by default."""

import re

from platforms._cobalt import CobaltLinks, cobalt_site
from platforms._http import HostRule

PLATFORM = cobalt_site(
    "newgrounds",
    "Newgrounds",
    CobaltLinks(
        post=re.compile(
            r"newgrounds\.com/(?P<id>(?:portal/view|audio/listen)/\d+)(?![\w-])", re.ASCII
        ),
        address="https://www.newgrounds.com/{}",
        hosts=HostRule(("newgrounds.com",)),
        media_hosts=HostRule(("ngfiles.com", "newgrounds.com")),
    ),
    "https://www.newgrounds.com/portal/view/730001",
    "https://www.newgrounds.com/audio/listen/730001",
)
