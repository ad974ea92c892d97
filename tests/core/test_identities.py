"""Identities: which cookies are kept, which identity is chosen, how long one rests."""

import io
from dataclasses import replace
from http.cookiejar import MozillaCookieJar

import pytest

from core.errors import (
    CookieFileError,
    CookiesExpiredError,
    CookiesOfOtherSitesError,
    CookiesTooLargeError,
    PlatformRateLimitedError,
    PlatformRefusedError,
)
from core.identities import (
    FROM_SETTING,
    MAX_FILE_BYTES,
    Health,
    Identity,
    IdentityState,
    Reason,
    free_name,
    has_trouble,
    is_name,
    last_expiry,
    read_cookies,
    read_exit,
    read_upload,
    usable,
    write_cookies,
)

NOW = 1_800_000_000
LATER = NOW + 1_000
HOUR = 3_600
HEAD = "# Netscape HTTP Cookie File\n"
SITE = ("demo.example", "demo.short")


def line(domain: str = ".demo.example", expires: object = LATER, name: str = "sid") -> str:
    return f"{domain}\tTRUE\t/\tTRUE\t{expires}\t{name}\thunter2\n"


# --- cookie files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + line(), [("demo.example", LATER)]),
        (line(), [("demo.example", LATER)]),  # some tools write no header
        (HEAD + line().replace("\n", "\r\n"), [("demo.example", LATER)]),
        (HEAD + "#HttpOnly_" + line(), [("demo.example", LATER)]),
        (HEAD + "#HttpOnly_" + line("WWW.Demo.Example"), [("www.demo.example", LATER)]),
        (HEAD + "\n# a remark\n$ another\n" + line(expires=0), [("demo.example", 0)]),
        (HEAD + line(expires=""), [("demo.example", 0)]),
        (HEAD + line(expires=-1), [("demo.example", 0)]),
        (HEAD + line(expires=f"{LATER}.75"), [("demo.example", LATER)]),
        (
            HEAD + line() + line("other.example"),
            [("demo.example", LATER), ("other.example", LATER)],
        ),
        # Values may contain what else would end a line.
        (HEAD + line(name="a\x0b\u2028b"), [("demo.example", LATER)]),
    ],
)
def test_what_tools_export_is_read(text: str, expected: list[tuple[str, int]]):
    assert [(cookie.domain, cookie.expires) for cookie in read_cookies(text)] == expected


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "no cookies"),
        (HEAD, "no cookies"),
        ("hunter2", "line 1 has 1 fields"),
        ('[{"name": "sid", "value": "hunter2"}]', "line 1 has 1 fields"),
        (HEAD + line() + "hunter2\thunter2\n", "line 3 has 2 fields"),
        (HEAD + line(expires="hunter2"), "line 2 has no expiry"),
        (HEAD + line(expires="nan"), "line 2 has no expiry"),
        (HEAD + line(expires="inf"), "line 2 has no expiry"),
        (HEAD + line(name="a\tb"), "line 2 has 8 fields"),
    ],
)
def test_anything_else_is_refused_by_line_and_never_quoted(text: str, detail: str):
    with pytest.raises(CookieFileError) as caught:
        read_cookies(text)
    assert caught.value.detail == detail
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("domain", "is_kept"),
    [
        ("demo.example", True),
        (".demo.example", True),
        ("www.demo.example", True),
        (".a.b.demo.example", True),
        ("demo.short", True),
        ("example", False),
        (".example", False),
        ("notdemo.example", False),
        ("demo.example.evil.example", False),
        ("google.com", False),
        ("", False),
    ],
)
def test_only_the_sites_own_cookies_are_kept(domain: str, *, is_kept: bool):
    data = (HEAD + line(domain, name="x") + line(name="kept")).encode()
    names = [cookie.line.split("\t")[5] for cookie in read_upload(data, SITE, NOW)]
    assert names == (["x", "kept"] if is_kept else ["kept"])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"x" * (MAX_FILE_BYTES + 1), CookiesTooLargeError),
        (b"\xff\xfe\x00", CookieFileError),
        (b"hello", CookieFileError),
        ((HEAD + line("other.example")).encode(), CookiesOfOtherSitesError),
        ((HEAD + line(expires=NOW)).encode(), CookiesExpiredError),
        ((HEAD + line(expires=1) + line("other.example")).encode(), CookiesExpiredError),
    ],
)
def test_a_useless_file_has_a_reason(data: bytes, error: type[CookieFileError]):
    with pytest.raises(error) as caught:
        read_upload(data, SITE, NOW)
    assert type(caught.value) is error


def test_the_largest_file_is_taken_and_expired_cookies_are_left_out():
    text = HEAD + line(expires=NOW, name="old") + line(expires=NOW + 1, name="new")
    data = b"\xef\xbb\xbf" + text.encode()  # with a byte order mark
    data += b"#" * (MAX_FILE_BYTES - len(data))
    (cookie,) = read_upload(data, SITE, NOW)
    assert "\tnew\t" in cookie.line


def test_what_is_written_can_be_read_again_and_names_its_proxy():
    cookies = read_cookies("#HttpOnly_" + line() + line(expires=-1).replace("\n", "\r\n"))
    text = write_cookies(cookies, "http://1.2.3.4:80")
    assert text.startswith(HEAD)
    assert text.endswith("\n")
    assert "\r" not in text
    assert read_cookies(text) == cookies
    assert "#HttpOnly_.demo.example\t" in text
    assert read_exit(text) == "http://1.2.3.4:80"
    assert read_exit(write_cookies(cookies)) == ""
    assert "hunter2" not in repr(cookies)


@pytest.mark.parametrize(
    ("domain", "subdomains", "expected"),
    [
        (".demo.example", "TRUE", ".demo.example\tTRUE"),
        (".demo.example", "FALSE", ".demo.example\tTRUE"),
        (".demo.example", "true", ".demo.example\tTRUE"),
        ("demo.example", "TRUE", ".demo.example\tTRUE"),
        ("demo.example", "FALSE", "demo.example\tFALSE"),
        ("#HttpOnly_Demo.example", "true", "#HttpOnly_.demo.example\tTRUE"),
    ],
)
def test_whether_subdomains_get_a_cookie_is_written_as_every_reader_accepts_it(
    domain: str, subdomains: str, expected: str
):
    cookies = read_cookies(f"{domain}\t{subdomains}\t/\ttrue\t{LATER}\tsid\thunter2\n")
    written = write_cookies(cookies)
    assert written.splitlines()[1] == f"{expected}\t/\tTRUE\t{LATER}\tsid\thunter2"
    file = io.StringIO(written)
    jar = MozillaCookieJar()
    load = getattr(jar, "_really_load")  # noqa: B009 - as yt-dlp does; typeshed leaves it out
    load(file, "", ignore_discard=True, ignore_expires=True)
    assert [cookie.value for cookie in jar] == ["hunter2"]


@pytest.mark.parametrize(
    ("times", "expected"),
    [((5, 9, 7), 9), ((5, 0), None), ((5,), 5), ((), 0)],
)
def test_the_last_cookie_counts(times: tuple[int, ...], expected: float | None):
    text = "".join(line(expires=time) for time in times)
    assert last_expiry(read_cookies(text) if text else []) == expected


# --- health ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusals", "hours"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 24), (7, 24), (1_500, 24)]
)
def test_each_refusal_in_a_row_makes_the_rest_longer(refusals: int, hours: int):
    health = replace(Health(), refusals=refusals - 1).refused(Reason.REFUSED, NOW)
    assert health.refusals == refusals
    assert health.rests_until == NOW + hours * HOUR
    assert health.is_resting(NOW + hours * HOUR - 1)
    assert not health.is_resting(NOW + hours * HOUR)


RESTING = Health(used_at=3, worked_at=2).refused(Reason.LIMITED, NOW)
HELD = Health(used_at=3, worked_at=2, refusals=1).put_to_rest()


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (RESTING, Health(3, 2, 1, "limited", NOW + HOUR)),
        (RESTING.worked(NOW), Health(3, NOW)),
        (RESTING.woken(), Health(3, 2)),
        (RESTING.used(NOW), Health(NOW, 2, 1, "limited", NOW + HOUR)),
        (HELD, Health(3, 2, 1, "admin", None)),
        # Nothing but an administrator ends a rest that an administrator began.
        (HELD.worked(NOW), Health(3, NOW, 1, "admin", None)),
        (HELD.refused(Reason.REFUSED, NOW), HELD),
        (HELD.woken(), Health(3, 2)),
    ],
)
def test_health_follows_what_requests_have_shown(health: Health, expected: Health):
    assert health == expected
    assert Health.from_json(health.as_json()) == health


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "7", '"x"', '{"rests_until": "never", "reason": "admin"}'),
        *('{"used_at": []}', '{"reason": "hunter2", "rests_until": 5}', '{"rests_until": null}'),
    ],
)
def test_a_damaged_health_counts_as_a_new_one(text: str):
    assert Health.from_json(text) == Health()


def test_fields_of_another_version_are_ignored():
    assert Health.from_json('{"used_at": 7, "moon": "full"}') == Health(used_at=7)


def test_reasons_follow_from_errors():
    assert Reason.of(PlatformRefusedError()) is Reason.REFUSED
    assert Reason.of(PlatformRateLimitedError()) is Reason.LIMITED


# --- choice ---------------------------------------------------------------------------------------

EXITS = ("direct", "http://a:1")


def identity(name: str, health: Health | None = None, **values) -> Identity:
    return Identity("demo", name, health=health or Health(), **values)


REFUSED = Health().refused(Reason.REFUSED, NOW)
WAITED = replace(REFUSED, rests_until=NOW)


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (identity("a"), IdentityState.READY),
        (identity("a", exit="http://a:1"), IdentityState.READY),
        (identity("a", exit="http://gone:1"), IdentityState.NO_EXIT),
        (identity("a", REFUSED), IdentityState.RESTS),
        (identity("a", WAITED), IdentityState.READY),
        (identity("a", Health().put_to_rest()), IdentityState.RESTS),
        (identity("a", expires_at=NOW), IdentityState.EXPIRED),
        (identity("a", REFUSED, expires_at=NOW), IdentityState.EXPIRED),
        (identity("a", expires_at=NOW + 1), IdentityState.READY),
    ],
)
def test_an_identity_is_in_one_state(one: Identity, state: IdentityState):
    assert one.state(EXITS, NOW) is state


def test_the_least_recently_used_one_that_does_not_rest_comes_first():
    ones = [
        identity("c", Health(used_at=5)),
        identity("b", Health(used_at=9)),
        identity("d", Health(used_at=1).put_to_rest()),
        identity("e", exit="http://gone:1"),
        identity("a", Health(used_at=5)),
        identity("new"),
    ]
    assert [one.name for one in usable(ones, EXITS, NOW)] == ["new", "a", "c", "b"]


@pytest.mark.parametrize(
    ("ones", "expected"),
    [
        ([], None),
        ([identity("a")], False),
        ([identity("a", REFUSED), identity("b")], False),
        ([identity("a", REFUSED)], True),
        ([identity("a", REFUSED), identity("b", expires_at=NOW)], True),
        ([identity("a", exit="http://gone:1")], True),
        # The rest is over, but nobody knows yet what the site says.
        ([identity("a", WAITED)], None),
        ([identity("a", WAITED), identity("b", REFUSED)], None),
        ([identity("a", Health().put_to_rest())], None),
        ([identity("a", Health().put_to_rest()), identity("b", REFUSED)], True),
    ],
)
def test_trouble_is_known_or_unknown(ones: list[Identity], *, expected: bool | None):
    assert has_trouble(ones, EXITS, NOW) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("anna", True), ("a-1_b", True), ("7", True), ("x" * 20, True)),
        *(("x" * 21, False), ("", False), ("../etc", False), ("a/b", False), (".a", False)),
        *(("Anna", False), ("a b", False), ("é", False), ("-a", False), (FROM_SETTING, False)),
        ("a\n", False),
    ],
)
def test_names_are_names_of_files(text: str, *, expected: bool):
    assert is_name(text) is expected


def test_a_new_identity_gets_the_first_free_number():
    assert free_name([]) == "1"
    assert free_name(["2", "anna"]) == "1"
    assert free_name(["1", "2", "4"]) == "3"


def test_the_identity_of_the_setting_is_fixed():
    assert identity(FROM_SETTING).is_fixed
    assert not identity("anna").is_fixed
