"""Reports of unexpected errors are stored whatever the error says."""

import pytest

from data.error_reports import find_report, store_report


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("found", ["half of an emoji: \ud83d", "a NUL: \x00"])
async def test_text_that_no_database_takes_is_left_out(found: str):
    await store_report("A1B2C3D4", "a request", ValueError(f"{found}, the end"))
    report = await find_report("A1B2C3D4")
    assert report
    assert report.summary == f"ValueError: {found[:-1]}, the end"
