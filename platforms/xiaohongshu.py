"""Posts on Xiaohongshu (RedNote), through the operator's cobalt. Not allowed by default.

Pages need the token of the link, so it is a part of a post's id.
"""

import re

from platforms._cobalt import CobaltLinks, cobalt_site
from platforms._http import HostRule

PLATFORM = cobalt_site(
    "xiaohongshu",
    "RedNote",
    CobaltLinks(
        post=re.compile(
            r"xiaohongshu\.com/(?:explore|discovery/item)/"
            r"(?P<id>[\da-f]{24})/?\?(?:.*&)?(?P<key>xsec_token=[\w=%-]+)",
            re.ASCII,
        ),
        address="https://www.xiaohongshu.com/explore/{}",
        hosts=HostRule(("xiaohongshu.com", "xhslink.com")),
        media_hosts=HostRule(("xhscdn.com",)),
        short=re.compile(r"xhslink\.com/(?:\w/)?\w+/?\?", re.ASCII),
    ),
    "https://www.xiaohongshu.com/explore/7300000000000000000de001?xsec_token=Demo01=",
    "https://xhslink.com/a/Demo01",
)
