"""The failure rate of a site's last downloads, from counters of all processes."""

from core.failures import LOOKED_AT, RecentDownloads

SLOT, NEXT = 1_800, 3_600


def test_too_few_downloads_say_nothing():
    recent = RecentDownloads()
    recent.update({(SLOT, "tiktok"): (0, LOOKED_AT - 1)})
    assert recent.failing() == {}
    recent.update({(SLOT, "tiktok"): (1, LOOKED_AT - 1)})
    assert recent.failing() == {"tiktok": 0.95}


def test_only_the_last_downloads_count():
    recent = RecentDownloads()
    recent.update({(SLOT, "tiktok"): (1_000, 0), (SLOT, "x"): (0, 40)})
    recent.update({(SLOT, "tiktok"): (1_000, 15), (SLOT, "x"): (0, 40)})
    recent.update({(SLOT, "tiktok"): (1_000, 15), (NEXT, "tiktok"): (0, 3)})
    assert recent.failing() == {"tiktok": 18 / LOOKED_AT, "x": 1.0}


def test_a_slot_that_is_not_looked_at_any_more_is_no_step():
    recent = RecentDownloads()
    recent.update({(SLOT, "tiktok"): (0, 20)})
    recent.update({(NEXT, "tiktok"): (20, 0)})
    recent.update({(NEXT, "tiktok"): (20, 0)})
    assert recent.failing() == {"tiktok": 0.0}
