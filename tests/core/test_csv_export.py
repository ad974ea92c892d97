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


@pytest.mark.usefixtures("tokyo")
def test_times_are_utc_wherever_the_bot_runs():
    # 946,684,800 s are the 30 years from 1970 to 2000 with their seven leap days.
    at = 946_684_800 + 13 * 3_600 + 5 * 60 + 9
    assert moment(at) == "2000-01-01T13:05:09Z"


def test_a_line_has_commas_quotes_where_needed_and_the_line_break_of_the_standard():
    assert csv_line(["a", "b,c", 'd"e', 5, None]) == 'a,"b,c","d""e",5,\r\n'
