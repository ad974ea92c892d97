"""What operators get wrong: each mistake ends in one list, without a traceback or a secret."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest

from core.errors import SettingsError
from data.config import Settings, load_settings

#: The user id of nobody.
_NOBODY = 65_534
SECRET = "hunter2hunter2hunter2hunter2"
TOKEN = f"70000001:{SECRET}"


def load(folder: Path, ini: bytes, env: bytes, environ: Mapping[str, str]) -> Settings:
    (folder / "config.ini").write_bytes(ini)
    (folder / ".env").write_bytes(env)
    return load_settings(folder / "config.ini", folder / ".env", environ)


BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("ini", "env"),
    [
        (b"[bot]\ntoken = 1:abc\n[limits]\nattempts = 7\n", b""),
        (BOM + b"[bot]\ntoken = 1:abc\n[limits]\nattempts = 7\n", b""),
        (b"[bot]\r\ntoken = 1:abc\r\n\r\n[limits]\r\nattempts = 7\r\n", b""),
        (b"[bot]\rtoken = 1:abc\r[limits]\rattempts = 7\r", b""),
        (b"", b"BOT_TOKEN=1:abc\nLIMITS_ATTEMPTS=7\n"),
        (b"", BOM + b"BOT_TOKEN=1:abc\r\nLIMITS_ATTEMPTS=7\r\n"),
        (b"", b"export BOT_TOKEN='1:abc'\nexport LIMITS_ATTEMPTS=\"7\"  # seven\n"),
        (b"", b"\n\nBOT_TOKEN = 1:abc   \n LIMITS_ATTEMPTS =7"),
        (b"", b"BOT_TOKEN=1:abc\nLIMITS_ATTEMPTS=7\nPOSTGRES_PASSWORD\nPOSTGRES_PASSWORD=x\n"),
    ],
)
def test_every_way_of_writing_is_read(ini: bytes, env: bytes, tmp_path: Path):
    found = load(tmp_path, ini, env, {})
    assert (found["bot"]["token"], found.limits.attempts) == ("1:abc", 7)


def test_relative_files_are_looked_for_beside_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """There they are read later, whatever the working directory is."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (home / "proxies.txt").touch()
    (elsewhere / "ads.json").touch()
    found = load(home, b"", b"NETWORK_PROXY_FILE=proxies.txt\n", {})
    assert found.network.proxy_file == Path("proxies.txt")
    with pytest.raises(SettingsError, match="there is no file ads"):
        load(home, b"", b"ADS_FILE=ads.json\n", {})


@pytest.mark.parametrize(
    ("webhook_host", "watch_host", "is_mistake"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("10.0.0.5", "127.0.0.1", False),
        ("10.0.0.5", "0.0.0.0", True),
        ("::", "127.0.0.1", False),  # aiohttp's sockets of IPv6 take no IPv4
        ("::", "::1", True),
    ],
)
def test_two_servers_may_have_one_port_of_different_addresses(
    webhook_host: str, watch_host: str, is_mistake: bool, tmp_path: Path
):
    environ = {
        "TELEGRAM_UPDATES": "webhook",
        "WEBHOOK_URL": "https://a.example/x",
        "WEBHOOK_HOST": webhook_host,
        "WATCH_HOST": watch_host,
        "WATCH_PORT": "8443",
    }
    refusal = (
        pytest.raises(SettingsError, match="is also the port") if is_mistake else nullcontext()
    )
    with refusal:
        load(tmp_path, b"", b"", environ)


@pytest.mark.parametrize(
    "url", ["postgresql://u:100%25@h/d", "postgresql://u:%(x)s@h/d", "postgresql://u:%@h/d"]
)
def test_percent_signs_stay_as_they_are(url: str, tmp_path: Path):
    for ini, env, environ in (
        (f"[database]\nurl = {url}\n", "", {}),
        ("", f"DATABASE_URL={url}\n", {}),
        ("", "", {"DATABASE_URL": f"{url}\n"}),  # a file's line break, in a secret of Kubernetes
    ):
        found = load(tmp_path, ini.encode(), env.encode(), environ)
        assert found["database"]["url"] == url


_TWICE = "is there twice, see line"
_LINE = "cannot be read: write NAME=value, with both quotation marks or none"
_UTF8 = "is not UTF-8 text: save it as UTF-8"
_QUOTES = "the quotation marks are a part of the value here: leave them out"
_INTEGER, _BOOLEAN = "must be a whole number", "must be true or false"
_COMMENT = "the comment is a part of the value here: write it into a line of its own"
_EMPTY = "is empty: leave it out, or give it a value"
_UNSEEN = "has an invisible character: type the value instead of copying it"
_POINT = "must be a whole number without a point"
_TILDE = "~ is not replaced here: write the whole path"
_MINUS = "has lost its minus: ids of channels begin with -100"

#: The files' contents and the environment, and each mistake; "…" stands for the rest of a sentence.
MISTAKES: list[tuple[str, str, dict[str, str], list[str]]] = [
    # config.ini
    ("token = 5", "", {}, ["config.ini: line 1 stands before the first [section]"]),
    ("[bot\ntoken = 5", "", {}, ["config.ini: line 1 stands before the first [section]"]),
    ("[bot]\ntoken", "", {}, ["config.ini: line 2 cannot be read: write key = value"]),
    (
        f"[bot]\n{SECRET}\nadmins = 5\nwhat is this",
        "",
        {},
        [f"config.ini: line {n} cannot be read: write key = value" for n in (2, 4)],
    ),
    (
        "[limits]\nattempts = 1\nAttempts = 2\n[bot]\nadmins = 1\n[limits]\nstall_s = x",
        "",
        {},
        [
            f"config.ini: [limits] attempts {_TWICE} 3: leave one of them",
            f"config.ini: [limits] {_TWICE} 6: leave one of them",
            f"[limits] stall_s (LIMITS_STALL_S): {_INTEGER}, not 'x'",
        ],
    ),
    ("[DEFAULT]\nattempts = 1", "", {}, ["[DEFAULT] is not a section"]),
    ("[Bot]\nadmins = 5", "", {}, ["[Bot] is not a section, did you mean bot?"]),
    (
        "[limits]\nattempts = 3 ; three",
        "",
        {},
        [f"[limits] attempts (LIMITS_ATTEMPTS): {_INTEGER}, not '3 ; three'"],
    ),
    (
        "[limits]\nattempts = 3\n  stall_s = 5",  # goes on with the value above
        "",
        {},
        [f"[limits] attempts (LIMITS_ATTEMPTS): {_INTEGER}, not '3\\nstall_s = 5'"],
    ),
    # .env
    ("", "BOT_TOKEN", {}, [".env: line 1: BOT_TOKEN has no value: write BOT_TOKEN=value"]),
    ("", f"\n\n# x\nBOT_TOKEN {SECRET}", {}, [f".env: line 4 {_LINE}"]),
    ("", f'BOT_ADMINS=1\nBOT_TOKEN="{SECRET}', {}, [f".env: line 2 {_LINE}"]),
    (
        "",
        f"BOT_TOKEN={TOKEN}\nBOT_ADMINS=1\n\nexport BOT_TOKEN=1:x",
        {},
        [".env: BOT_TOKEN is there twice, in lines 1 and 4: leave one of them"],
    ),
    ("", f"bot_token={TOKEN}", {}, [".env: bot_token is not a setting, did you mean BOT_TOKEN?"]),
    ("", f"TOKEN={TOKEN}\nBOT_TOKN=1", {}, [".env: BOT_TOKN is not a setting, did you …"]),
    ("", "BOT__TOKEN=1", {}, [".env: BOT__TOKEN is not a setting, did you mean BOT_TOKEN?"]),
    ("", "CLIPFERRY_BOT_TOKEN=1", {}, []),  # no prefix of ours
    ("", "LIMITS_ATTEMPTS=", {}, [f"[limits] attempts (LIMITS_ATTEMPTS): {_INTEGER}, not ''"]),
    # The environment
    ("", "", {"BOT_TOKEN": f'"{TOKEN}"'}, [f"[bot] token (BOT_TOKEN): {_QUOTES}"]),
    (
        "",
        "",
        {"DATABASE_URL": f"'postgresql://u:{SECRET}@h/d'"},
        [f"[database] url (DATABASE_URL): {_QUOTES}"],
    ),
    (
        "",
        "",
        {"DATABASE_URL": f"'mysql://u:{SECRET}@h/d'"},
        [f"[database] url (DATABASE_URL): {_QUOTES}", "… are supported, not mysql"],
    ),
    ("", "", {"LIMITS_ATTEMPTS": "10s"}, ["[limits] attempts (LIMITS_ATTEMPTS): …, not '10s'"]),
    (
        "",
        "",
        {"LIMITS_ATTEMPTS": "-1"},
        ["[limits] attempts (LIMITS_ATTEMPTS): must be at least 1, not '-1'"],
    ),
    ("", "", {"LIMITS_ATTEMPTS": "1,5"}, ["[limits] attempts (LIMITS_ATTEMPTS): …, not '1,5'"]),
    ("", "", {"BOT_ADMINS": "@ada"}, [f"[bot] admins (BOT_ADMINS): {_INTEGER}, not '@ada'"]),
    ("", "", {"BOT_ADMINS": "1;2"}, [f"[bot] admins (BOT_ADMINS): {_INTEGER}, not '1;2'"]),
    ("", "", {"BOT_BUSINESS": "jа"}, [f"[bot] business (BOT_BUSINESS): {_BOOLEAN}, not 'jа'"]),
    ("", "", {"RUN_LOG_LEVEL": "debug"}, ["[run] log_level (RUN_LOG_LEVEL): …, not 'debug'"]),
    ("", "", {"SITES_ALLOWED": "tiktok instagram"}, ["[sites] allowed (SITES_ALLOWED): no such …"]),
    (
        "",
        "",
        {"TELEGRAM_SERVER": "localhost:8081"},
        ["[telegram] server (TELEGRAM_SERVER): must …"],
    ),
    # Values that would be taken as they are, and mean something else
    ("", "", {"BOT_ADMINS": '"1,2"'}, [f"[bot] admins (BOT_ADMINS): {_QUOTES}"]),
    ("", "BOT_CONTACT=“@me”", {}, [f"[bot] contact (BOT_CONTACT): {_QUOTES}"]),
    ('[captions]\ntemplate = "{text}"', "", {}, []),
    ("[bot]\ncontact = @me # or my brother", "", {}, []),
    (
        "[files]\nspool_dir = '/mnt/a' # SSD\nheartbeat = /mnt/b ; here",
        "",
        {},
        [
            f"[files] spool_dir (FILES_SPOOL_DIR): {_COMMENT}",
            f"[files] heartbeat (FILES_HEARTBEAT): {_COMMENT}",
        ],
    ),
    ("", "", {"FILES_SPOOL_DIR": "~/spool"}, [f"[files] spool_dir (FILES_SPOOL_DIR): {_TILDE}"]),
    ("", "FILES_SPOOL_DIR=", {}, [f"[files] spool_dir (FILES_SPOOL_DIR): {_EMPTY}"]),
    ("", "WATCH_HOST=\nAD_S=", {}, [f"[watch] host (WATCH_HOST): {_EMPTY}"]),
    ("", "NETWORK_PROXY_FILE=", {}, []),
    ("", "", {"FILES_SPOOL_MB": "2.000"}, [f"[files] spool_mb (FILES_SPOOL_MB): {_POINT}, …"]),
    ("", "", {"LIMITS_PATIENCE_S": "inf"}, ["[limits] patience_s (LIMITS_PATIENCE_S): must be …"]),
    ("", "BOT_ADMINS=\u200e77", {}, [f"[bot] admins (BOT_ADMINS): {_UNSEEN}"]),
    (
        "",
        "",
        {"BOT_ADMINS": "0,-1005,7", "STATISTICS_READERS": "-3"},
        [
            "[bot] admins (BOT_ADMINS): must be ids of people, which are positive, not 0, -1005",
            "[statistics] readers (STATISTICS_READERS): must be ids of people, …",
        ],
    ),
    # Two ids without a comma, and numbers that SQLite would not take
    (
        "",
        "",
        {
            "BOT_ADMINS": "71234567897123456789,5",
            "BOT_JOIN_LOG_CHAT": "-99999999999999999999",
            "BROADCASTS_RESUME_MINUTES": "99999999999999999999",
        },
        [
            "[bot] admins (BOT_ADMINS): no id is as long as 71234567897123456789: is a comma mi…",
            "[bot] join_log_chat (BOT_JOIN_LOG_CHAT): -99999999999999999999 is too large",
            "[broadcasts] resume_minutes (BROADCASTS_RESUME_MINUTES): 9999999999999999… is too l…",
        ],
    ),
    # What a URL would be cut at
    ("", "", {"BOT_TOKEN": f"{TOKEN}#mine"}, ["[bot] token (BOT_TOKEN): not a bot token: …"]),
    ("", f"BOT_TOKEN={TOKEN}?", {}, ["[bot] token (BOT_TOKEN): not a bot token: …"]),
    ("", "", {"BOT_TOKEN": f"bot{TOKEN}"}, ["[bot] token (BOT_TOKEN): not a bot token: …"]),
    # An environment in Latin-1; the name of a folder may be in any encoding
    (
        "",
        "",
        {"SITES_ALLOWED": "tiktok,caf\udce9", "BOT_TOKEN": f"{TOKEN}\udce9"},
        [
            "[bot] token (BOT_TOKEN): is not UTF-8 text: write it in UTF-8",
            "[sites] allowed (SITES_ALLOWED): is not UTF-8 text: write it in UTF-8",
            "[sites] allowed (SITES_ALLOWED): no such site: caf; …",
        ],
    ),
    ("", "", {"FILES_SPOOL_DIR": "/mnt/caf\udce9"}, []),
    (
        "",
        "",
        {"INLINE_STORAGE_CHAT": "1001234567890", "BOT_JOIN_LOG_CHAT": "1001234567890"},
        [
            f"[bot] join_log_chat (BOT_JOIN_LOG_CHAT): 1001234567890 {_MINUS}",
            f"[inline] storage_chat (INLINE_STORAGE_CHAT): 1001234567890 {_MINUS}",
        ],
    ),
    (
        "",
        "",
        {
            "TELEGRAM_UPDATES": "webhook",
            "WEBHOOK_URL": "https://a.example/x",
            "WATCH_PORT": "8443",
        },
        ["[watch] port (WATCH_PORT): is also the port of [webhook]"],
    ),
    (
        "",
        "[bot]\nBOT_ADMINS=1\nDATABASE_URL=postgresql://u:${HIDDEN}@${HOST}/d\nHOST=h",
        {},
        [
            ".env: line 1: sections are for config.ini: here, [bot] admins is BOT_ADMINS",
            ".env: DATABASE_URL uses ${HIDDEN}, which is not set",
        ],
    ),
    # Secrets where they do not belong
    ("", "", {"BOT_ADMINS": TOKEN}, [f"[bot] admins (BOT_ADMINS): {_INTEGER}, not '***'"]),
    ("", "", {"SITES_ALLOWED": TOKEN}, ["[sites] allowed (SITES_ALLOWED): no such site: ***; …"]),
    ("", "", {"ACCESS_LISTED": TOKEN}, ["[access] listed (ACCESS_LISTED): …"]),
    (
        "",
        "",
        {"NETWORK_PROXY_FILE": f"http://ada:{SECRET}@1.2.3.4:80"},
        ["[network] proxy_file (NETWORK_PROXY_FILE): there is no file http:/***@1.2.3.4:80"],
    ),
    (
        "",
        "",
        {"NETWORK_COOKIES_FILE": f"sessionid={SECRET};" * 100},
        ["[network] cookies_file (NETWORK_COOKIES_FILE): the file … cannot be read: File name …"],
    ),
    (
        "",
        "",
        {"TELEGRAM_SERVER": f"ada:{SECRET}@host"},
        ["[telegram] server (TELEGRAM_SERVER): must be an http(s) address, not '***@host'"],
    ),
    (
        "",
        "",
        {"TELEGRAM_SERVER": f"ftp://ada:{SECRET}/@x@host"},
        ["[telegram] server (TELEGRAM_SERVER): must be an http(s) address, not 'ftp://***@host'"],
    ),
    ("", "", {"DATABASE_URL": f"postgres//u:{SECRET}@h/d"}, ["[database] url (DATABASE_URL): …"]),
    ("", "", {"DATABASE_URL": f"postgresql://u:{SECRET}@h:x/d"}, ["[database] url …"]),
    ("", "", {"DATABASE_URL": f"mysql://u:{SECRET}@h/d"}, ["… are supported, not mysql"]),
    # All kinds together
    (
        f"[bot]\ntokn = {TOKEN}\n[limits]\nattempts = x\nnonsense\nstall_s = 0",
        f"BOT_ADMIN=1\nBOT_TOKEN {TOKEN}",
        {"RUN_LOG_LEVEL": "LOUD", "RUN_ROLES": "worker"},
        [
            "config.ini: line 5 cannot be read: write key = value",
            f".env: line 2 {_LINE}",
            ".env: BOT_ADMIN is not a setting, did you mean BOT_ADMINS?",
            "[run] roles (RUN_ROLES): roles other than all need PostgreSQL in [database] url",
            "[bot] tokn (BOT_TOKN): is not a setting, did you mean token?",
            f"[limits] attempts (LIMITS_ATTEMPTS): {_INTEGER}, not 'x'",
            "[limits] stall_s (LIMITS_STALL_S): …",
            "[run] log_level (RUN_LOG_LEVEL): …",
        ],
    ),
]


@pytest.mark.parametrize(("ini", "env", "environ", "expected"), MISTAKES)
def test_each_mistake_is_named_in_one_list(
    ini: str, env: str, environ: dict[str, str], expected: list[str], tmp_path: Path
):
    mistakes: list[str] = []
    try:
        load(tmp_path, ini.encode(), env.encode(), environ)
    except SettingsError as error:
        mistakes = list(error.mistakes)
    assert len(mistakes) == len(expected), mistakes
    for mistake, sentence in zip(mistakes, expected, strict=True):
        assert re.fullmatch(re.escape(sentence).replace("…", ".*"), mistake)
        assert "hunter2" not in mistake
        assert "\n" not in mistake


@pytest.mark.parametrize("name", ["config.ini", ".env"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_another_encoding_is_named(name: str, encoding: str, tmp_path: Path):
    contents = {"config.ini": b"", ".env": b"", name: f"# für\nX={SECRET}".encode(encoding)}
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, contents["config.ini"], contents[".env"], {})
    assert caught.value.mistakes == [f"{name}: {_UTF8}"]


@pytest.mark.parametrize("name", ["config.ini", ".env"])
def test_a_folder_in_the_place_of_a_file_is_named(name: str, tmp_path: Path):
    """Docker makes one if the file that is to be mounted does not exist."""
    (tmp_path / name).mkdir()
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "config.ini", tmp_path / ".env", {})
    assert caught.value.mistakes == [f"{name}: is a folder, not a file"]


@pytest.fixture
def folder_of_an_ordinary_user(tmp_path: Path) -> Iterator[Path]:
    """Return a folder; the test runs without root's right to read everything."""
    if os.geteuid():
        yield tmp_path
        return
    # The parents of tmp_path are closed to others.
    with tempfile.TemporaryDirectory(prefix="clipferry-") as folder:
        os.chown(folder, _NOBODY, -1)
        os.seteuid(_NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


def test_what_may_not_be_read_is_named(folder_of_an_ordinary_user: Path):
    folder = folder_of_an_ordinary_user
    for name in ("config.ini", ".env"):
        (folder / name).touch(0o000)
    closed = folder / "closed"
    closed.mkdir(0o000)
    environ = {"NETWORK_PROXY_FILE": str(closed / "proxies.txt")}
    with pytest.raises(SettingsError) as caught:
        load_settings(folder / "config.ini", folder / ".env", environ)
    (one, two, three) = caught.value.mistakes
    assert (one, two) == tuple(
        f"{name}: cannot be read: Permission denied" for name in ("config.ini", ".env")
    )
    assert three.endswith("proxies.txt cannot be read: Permission denied")
