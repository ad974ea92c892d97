"""Lines that a spreadsheet can open without harm."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.csv_export import csv_line, moment


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_made_harmless(text: str):
    (row,) = csv.reader(io.StringIO(csv_line([text, -1, None]), newline=""))
    assert row == [f"'{text}", "-1", ""]


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2)
)
def test_whatever_the_text_it_stays_one_row_and_comes_back(values: list[str]):
    (row,) = csv.reader(io.StringIO(csv_line(values), newline=""))
    assert [cell.removeprefix("'") for cell in row] == [v.removeprefix("'") for v in values]


def test_moments_are_utc():
    assert moment(0) == "1970-01-01T00:00:00Z"
    assert moment(None) == ""
