"""Pseudonyms tell chats apart in the logs and reveal none."""

import re

from hypothesis import given
from hypothesis import strategies as st

from core.pseudonyms import LoggedChat, Pseudonyms

CHATS = st.integers(-(10**13), 10**13)


@given(CHATS)
def test_a_pseudonym_is_a_c_and_ten_digits_and_always_the_same(chat_id: int):
    name = Pseudonyms("123:token").of(chat_id)
    assert re.fullmatch(r"c[0-9a-f]{10}", name)
    assert name == Pseudonyms("123:token").of(chat_id)


def test_two_chats_or_two_tokens_make_two_pseudonyms():
    names = {
        Pseudonyms(token).of(chat_id)
        for token in ("123:token", "123:nekot", "x" * 100)
        for chat_id in (1, -1, 12, 21, 1_234_567_890)
    }
    assert len(names) == 15


@given(st.integers(10**11, 10**13))
def test_a_pseudonym_does_not_contain_the_id(chat_id: int):
    assert str(chat_id) not in Pseudonyms("123:token").of(chat_id)


def test_pseudonyms_stay_the_same_over_versions_so_that_old_logs_can_be_searched():
    assert Pseudonyms("123:abc").of(42) == "c6cdc0ba921"


def test_without_the_formatter_a_logged_chat_is_just_a_chat():
    assert str(LoggedChat(1_234_567)) == f"{LoggedChat(-1)}" == "(a chat)"


def test_a_name_has_one_pseudonym_whatever_its_case():
    assert Pseudonyms("123:abc").of_name("Ada") == "a0b0bdfbd8739b3af3f2b65152834f36"
    assert Pseudonyms("123:abc").of_name("aDA") == Pseudonyms("123:abc").of_name("Ada")
    names = {Pseudonyms(token).of_name(name) for token in ("1:a", "1:b") for name in ("ada", "bo")}
    assert len(names) == 4
