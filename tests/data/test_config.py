"""Settings: three sources, one declaration, all mistakes at once, no secret in sight."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import SettingsError
from data import config as config_module
from data.config import (
    ROOT,
    Settings,
    default_doubts,
    describe,
    describe_empty_token,
    is_token_missing,
    keys_without_section,
    load_default_settings,
    load_settings,
    unknown_names,
    write_ini,
)
from data.home import HOME
from data.setting_values import contradictions, overridden, relative_database


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    return tmp_path / "config.ini"


@pytest.fixture
def env(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_the_environment_wins_over_env_file_over_ini(ini: Path, env: Path):
    ini.write_text("[limits]\nattempts = 1\nstall_s = 11\nactive_requests = 7\n")
    env.write_text("LIMITS_STALL_S=12\nLIMITS_ACTIVE_REQUESTS=8\nPOSTGRES_PASSWORD=foreign\n")
    limits = load_settings(ini, env, {"LIMITS_ACTIVE_REQUESTS": "9", "HOME": "/"}).limits
    assert (limits.attempts, limits.stall_s, limits.active_requests) == (1, 12, 9)


def test_without_any_source_the_defaults_hold(ini: Path, env: Path):
    assert load_settings(ini, env, {}) == Settings()


def test_the_checked_in_file_is_the_declaration_and_gives_the_defaults(env: Path):
    assert (ROOT / "config.ini").read_text() == write_ini()
    assert load_settings(ROOT / "config.ini", env, {}) == Settings()


def test_every_key_is_explained():
    assert all(meaning for *_, meaning in describe())


def test_values_are_found_as_on_the_seed_page(ini: Path, env: Path):
    config = load_settings(ini, env, {"DATABASE_URL": "sqlite:///x.db"})
    assert config["database"]["url"] == "sqlite:///x.db"
    with pytest.raises(KeyError):
        config["database"]["password"]
    with pytest.raises(KeyError):
        config["nothing"]


def test_the_program_wide_settings_are_importable_as_on_the_seed_page():
    from data.config import config

    assert isinstance(config["database"]["url"], str)
    with pytest.raises(AttributeError):
        config_module.no_such_thing  # noqa: B018 - the access is the test


def test_all_mistakes_are_reported_together_by_section_and_key(ini: Path, env: Path):
    ini.write_text(
        "[bot]\ntokn = x\n[limits]\nattempts = many\nstall_s = 0\n[unheard]\na = 1\n"
        "[telegram]\nserver = ftp://x\nlocal = perhaps\n[network]\nproxy_file = /not/there\n"
        "[run]\nlog_level = LOUD\n"
    )
    env.write_text("BOT_TOKN=x\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, {"ADS_LINK": "javascript:alert(1)", "CAPTIONS_TEMPLATE": "{titel}"})
    report = "\n".join(caught.value.mistakes)
    for place in (
        "[bot] tokn (BOT_TOKN): is not a setting",
        "[limits] attempts (LIMITS_ATTEMPTS):",
        "[limits] stall_s (LIMITS_STALL_S):",
        "[unheard] is not a section",
        "[telegram] server (TELEGRAM_SERVER): must be an http(s) address",
        "[telegram] local (TELEGRAM_LOCAL):",
        "[network] proxy_file (NETWORK_PROXY_FILE): there is no file /not/there",
        "[run] log_level (RUN_LOG_LEVEL):",
        "[ads] link (ADS_LINK): must be an http(s) address",
        "[captions] template (CAPTIONS_TEMPLATE): {titel} is not one of {text}, {author},",
        ".env: BOT_TOKN is not a setting",
    ):
        assert place in report
    assert len(caught.value.mistakes) == 11


def test_wrong_sites_and_databases_come_in_the_same_round(ini: Path, env: Path):
    wrong = {
        "SITES_ALLOWED": "x,instagran,nowhere",
        "DATABASE_URL": "mysql://ada:hunter2@host/bot",
        "LIMITS_ATTEMPTS": "many",
        "TELEGRAM_SERVER": "ftp://ada:hunter2@host",
        "BOT_ADMINS": "7,70000001:AAhunter2hunter2hunter2",
        "BOT_TOKEN": "hunter2",
        "WATCH_CANARIES": "foo,https://www.tiktok.com/@demo/video/7300000000000000001",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, wrong)
    report = "\n".join(caught.value.mistakes)
    for sentence in (
        "no such site: instagran, did you mean instagram?, nowhere; available: bandcamp,",
        "only postgresql and sqlite are supported, not mysql",
        "not 'many'",
        "not 'ftp://***@host'",
        "not '***'",
        "[bot] token (BOT_TOKEN): not a bot token",
        "[watch] canaries (WATCH_CANARIES): not a link: foo",
    ):
        assert sentence in report
    assert len(caught.value.mistakes) == len(wrong)
    assert "hunter2" not in report


def test_an_empty_list_of_sites_is_a_mistake(ini: Path, env: Path):
    with pytest.raises(SettingsError, match="the list is empty; available: bandcamp"):
        load_settings(ini, env, {"SITES_ALLOWED": ","})


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "LIMITS_ACTIVE_REQUEST",
            "LIMITS_ACTIVE_REQUEST is not a setting, did you mean LIMITS_ACTIVE_REQUESTS?",
        ),
        ("LIMIT_ATTEMPTS", "LIMIT_ATTEMPTS is not a setting, did you mean LIMITS_ATTEMPTS?"),
        ("bot_token", "bot_token is not a setting, did you mean BOT_TOKEN?"),
        ("BOT_COLOUR", "BOT_COLOUR is not a setting"),
        ("TELEGRAM_TOKEN", "TELEGRAM_TOKEN is not a setting, did you mean BOT_TOKEN?"),
        ("TELEGRAM_BOT_TOKEN", "TELEGRAM_BOT_TOKEN is not a setting, did you mean BOT_TOKEN?"),
        ("TOKEN", ""),  # of another program, unless there is none of ours
        ("BOT_SERVICE_HOST", ""),  # Kubernetes, for a service called "bot"
        ("DATABASE_PORT_5432_TCP_ADDR", ""),
        ("TELEGRAM_API_ID", ""),  # for the local Bot API server, see docker-compose.yml
        ("HOME", ""),
        ("BOT_TOKEN", ""),
    ],
)
def test_a_mistyped_variable_is_named_with_what_may_be_meant(
    name: str, sentence: str, ini: Path, env: Path
):
    assert unknown_names({name: "1:3"}) == ([sentence] if sentence else [])
    env.write_text(f"{name}=1:3\n")  # a token, too
    if not sentence:
        load_settings(ini, env, {})
        return
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, {})
    assert caught.value.mistakes == [f".env: {sentence}"]


def test_a_mistyped_section_or_key_is_named_with_what_may_be_meant(ini: Path, env: Path):
    ini.write_text("[limit]\nattempts = 1\n[bot]\ntokn = x\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, {})
    assert caught.value.mistakes == [
        "[bot] tokn (BOT_TOKN): is not a setting, did you mean token?",
        "[limit] is not a section, did you mean limits?",
    ]


def test_a_caption_template_may_have_several_lines(ini: Path, env: Path):
    ini.write_text("[captions]\ntemplate = <b>{author}</b>\n    {text}\n\n    {source} & co\n")
    with pytest.raises(SettingsError, match='write "&" as "&amp;"'):
        load_settings(ini, env, {})
    ini.write_text(ini.read_text().replace("&", "&amp;"))
    template = load_settings(ini, env, {})["captions"]["template"]
    assert template == "<b>{author}</b>\n{text}\n\n{source} &amp; co"


def test_an_unreadable_file_is_named(ini: Path, env: Path):
    ini.write_text("token = 5\n")
    with pytest.raises(SettingsError, match=r"config\.ini"):
        load_settings(ini, env, {})


@pytest.mark.parametrize(
    ("environ", "doubt"),
    [
        ({"ACCESS_LISTED": "5"}, "[access] mode is everyone: everybody may use the bot"),
        ({"ACCESS_LISTED": "5", "ACCESS_MODE": "listed"}, ""),
        ({"ACCESS_CHANNELS": "@news", "ACCESS_MODE": "listed"}, "[access] mode is listed"),
        ({"TELEGRAM_LOCAL": "true"}, "[telegram] server is Telegram's own"),
        ({"TELEGRAM_LOCAL": "true", "TELEGRAM_SERVER": "http://localhost:8081"}, ""),
        ({"WEBHOOK_URL": "https://a.example/x"}, "[telegram] updates is poll"),
        ({"ADS_MIN_INTERVAL_H": "25"}, "[ads] min_interval_h is above max_interval_h"),
        ({"NETWORK_PROXY_PAGES_ONLY": "1"}, "but proxy_file is empty"),
        ({"HELPERS_COBALT_KEY": "hunter2"}, "but cobalt_url is empty"),
        ({"HELPERS_POT_URL": "http://localhost:4416"}, "youtube is not in [sites] allowed"),
        ({"DATABASE_BACKUP_HOURS": "6"}, "backup_folder is empty"),
        ({"DATABASE_URL": "sqlite:///bot.db"}, ""),
        ({}, ""),
    ],
)
def test_settings_that_contradict_are_doubtful(
    ini: Path, env: Path, environ: dict[str, str], doubt: str
):
    doubts = list(contradictions(load_settings(ini, env, environ)))
    assert [doubt in found for found in doubts] == ([True] if doubt else [])
    assert "hunter2" not in str(doubts)


@pytest.mark.parametrize(
    "address",
    ["http://", "ftp://h", "http://[::1", "http://h:99999", "http://a..b", "h:80"],
)
def test_an_address_that_nothing_can_reach_is_a_mistake(ini: Path, env: Path, address: str):
    with pytest.raises(SettingsError, match=r"\(TELEGRAM_SERVER\): must be an http\(s\) address"):
        load_settings(ini, env, {"TELEGRAM_SERVER": address})


@pytest.mark.parametrize(
    ("key", "largest"), [("FILES_SPOOL_MB", (1 << 52) - 1), ("FILES_CACHE_DAYS", 1_000_000)]
)
def test_whole_numbers_have_a_largest_value(ini: Path, env: Path, key: str, largest: int):
    load_settings(ini, env, {key: str(largest)})
    with pytest.raises(SettingsError, match=key):
        load_settings(ini, env, {key: str(largest + 1)})


def test_a_setting_with_several_values_is_doubtful():
    names = {
        "A_B": ("a", "b"),
        "A_C": ("a", "c"),
        "A_D": ("a", "d"),
        "A_E": ("a", "e"),
    }
    sources = [
        ("config.ini", {"A_B": "1", "A_E": "9"}),
        (".env", {"A_B": "2", "A_C": "3", "A_D": "4"}),
        ("the environment", {"A_B": "hunter2", "A_C": " 3\n", "A_D": ""}),
    ]
    assert list(overridden(names, sources)) == [
        "[a] b (A_B) is set in config.ini and .env, but the value in the environment counts",
        "[a] d (A_D) is set in .env, but the value in the environment counts, an empty value",
    ]


def test_a_name_without_its_section_is_doubtful():
    found = keys_without_section({"TOKEN": "hunter2", "PORT": "1", "BOT_TOKEN": "", "X": ""})
    assert found == [
        ".env: TOKEN is not a setting, did you mean BOT_TOKEN?",
        ".env: PORT is not a setting, did you mean WEBHOOK_PORT or WATCH_PORT?",
    ]


@pytest.mark.parametrize(
    ("name", "hints"),
    [
        ("TOKEN", ["TOKEN is not a setting, did you mean BOT_TOKEN?"]),
        ("tg_bot_token", ["tg_bot_token is not a setting, did you mean BOT_TOKEN?"]),
        ("TELEGRAM_TOKEN", []),  # is named among the unknown names
        ("PATH_TO_TOKEN", []),
    ],
)
@pytest.mark.parametrize("value", ["", "hunter2"])
def test_an_empty_token_is_named_with_the_variable_that_may_have_it(
    monkeypatch: pytest.MonkeyPatch, name: str, hints: list[str], value: str
):
    monkeypatch.setenv(name, value)
    first, *others = describe_empty_token(", or wait")
    assert first == "[bot] token (BOT_TOKEN) is empty: ask @BotFather for one, or wait"
    assert others == hints


@pytest.mark.parametrize(
    ("token", "hints"), [("", 0), ("1:x", 1)], ids=["needed", "there under its own name"]
)
def test_a_token_under_another_name_in_env_is_named_once(
    monkeypatch: pytest.MonkeyPatch, ini: Path, env: Path, token: str, hints: int
):
    monkeypatch.setattr("data.config.HOME", ini.parent)
    env.write_text(f"TOKEN=hunter2\nBOT_TOKEN={token}\nPORT=1\n")
    load_default_settings.cache_clear()
    try:
        doubts = default_doubts()
    finally:
        load_default_settings.cache_clear()
    assert sum(sentence.startswith(".env: TOKEN is not a setting") for sentence in doubts) == hints
    assert sum(sentence.startswith(".env: PORT is not a setting") for sentence in doubts) == 1
    assert describe_empty_token()[1:] == ["TOKEN is not a setting, did you mean BOT_TOKEN?"]


@pytest.mark.parametrize(
    ("env", "is_missing"),
    [
        (b"", True),
        (b"BOT_TOKEN=\n", True),
        (b"LIMITS_ATTEMPTS=0\nBOT_TOKN=1:x\n", True),
        (b"BOT_TOKEN=1:x\n", False),
        (b"BOT_TOKEN: 1:x\n", False),
        (b'BOT_TOKEN="1:x\n', False),
        ("BOT_TOKEN=1:x\n".encode("utf-16"), False),
    ],
)
def test_a_token_in_a_file_of_a_wrong_form_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, env: bytes, is_missing: bool
):
    monkeypatch.delenv("BOT_TOKEN", raising=False)
    monkeypatch.setattr("data.config.HOME", tmp_path)
    (tmp_path / "config.ini").write_text("")
    (tmp_path / ".env").write_bytes(env)
    assert is_token_missing() == is_missing


def test_a_database_that_depends_on_the_working_directory_is_doubtful(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    for url in ("", "sqlite:////a/b.db", "postgresql://h/d"):
        assert list(relative_database(url, ROOT)) == []
    assert list(relative_database("sqlite:///b.db", tmp_path)) == []
    (found,) = relative_database("sqlite+aiosqlite:///a/b.db?x=1", ROOT)
    assert f" {tmp_path / 'a' / 'b.db'} " in found


def test_the_programs_paths_do_not_depend_on_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Otherwise `restore`, called elsewhere, does not see that the bot runs."""
    monkeypatch.chdir(tmp_path)
    load_default_settings.cache_clear()
    try:
        files = load_default_settings().files
        assert files.heartbeat == HOME / "var" / "heartbeat"
        assert files.spool_dir.is_absolute()
        assert load_default_settings().database.backup_folder is None
    finally:
        load_default_settings.cache_clear()


@pytest.mark.parametrize(
    "environ",
    [{"BOT_TOKEN": "42:hunter2"}, {"DATABASE_URL": "postgresql://u:hunter2@h/d"}],
)
def test_secrets_are_never_printed(ini: Path, env: Path, environ: dict[str, str]):
    settings = load_settings(ini, env, environ)
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"
    ini.write_text("[limits]\nattempts = many\n[bot]\nhunter2\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, environ)
    assert "hunter2" not in f"{caught.value!r} {caught.value} {caught.value.mistakes}"


_NAMES = [f"{section}_{key}".upper() for section, key, *_ in describe()]
_VALUES = st.text(max_size=30) | st.sampled_from(
    ["0", "-1", "1e9", "9" * 40, "true", "maybe", "null", "\x00", "http://", "//", "a,b,,c", "½"]
)


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    environ=st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=6),
    ini_bytes=st.binary(max_size=80) | st.text(max_size=80).map(str.encode),
    env_bytes=st.binary(max_size=80) | st.text(max_size=80).map(str.encode),
)
def test_any_setting_is_accepted_or_named(
    environ: dict[str, str], ini_bytes: bytes, env_bytes: bytes, ini: Path, env: Path
):
    ini.write_bytes(ini_bytes)
    env.write_bytes(env_bytes)
    mistakes = None
    try:
        load_settings(ini, env, environ)
    except SettingsError as error:
        mistakes = error.mistakes
    assert mistakes is None or (mistakes and all(mistakes))


@pytest.mark.parametrize("name", ["config.ini", ".env"])
def test_a_file_that_is_no_text_is_named(name: str, ini: Path, env: Path):
    (ini.parent / name).write_bytes(b"\x80\xff")
    with pytest.raises(SettingsError, match=f"{name}: is not UTF-8 text"):
        load_settings(ini, env, {})


def test_the_access_list_is_read_in_every_form(ini: Path, env: Path):
    access = load_settings(
        ini,
        env,
        {
            "ACCESS_MODE": "members",
            "ACCESS_LISTED": "5, -1007, @Ada_B, https://t.me/Bo_b",
            "ACCESS_CHANNELS": "@News,-1005",
        },
    ).access
    assert access.listed == ("5", "-1007", "@ada_b", "@bo_b")
    assert access.channels == ("@news", "-1005")


def test_all_mistakes_of_the_access_settings_are_named_at_once(ini: Path, env: Path):
    wrong = {
        "ACCESS_MODE": "friends",
        "ACCESS_LISTED": "5,ada,@x",
        "ACCESS_CHANNELS": "t.me/+secret",
        "ACCESS_JOIN_URL": "t.me/news",
        "BOT_SOURCE_URL": "git",
        "BOT_CONTACT": "x" * 201,
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, wrong)
    mistakes = "\n".join(caught.value.mistakes)
    assert all(name in mistakes for name in wrong)
    assert "neither an id nor a @username: ada, @x" in mistakes
    assert len(caught.value.mistakes) == len(wrong)


def test_the_mode_members_needs_a_channel(ini: Path, env: Path):
    with pytest.raises(SettingsError, match=r"ACCESS_CHANNELS.*needs at least one channel"):
        load_settings(ini, env, {"ACCESS_MODE": "members"})


def test_several_processes_need_postgresql_and_this_is_said_beside_other_mistakes(
    ini: Path, env: Path
):
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, {"RUN_ROLES": "receiver, worker", "RUN_LEASE_S": "x"})
    assert len(caught.value.mistakes) == 2
    assert any("roles other than all need PostgreSQL" in m for m in caught.value.mistakes)


def test_several_processes_need_the_packages_of_the_extra(
    ini: Path, env: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("data.config.find_spec", lambda _: None)
    environ = {"RUN_ROLES": "worker", "DATABASE_URL": "postgresql://u@h/d"}
    with pytest.raises(SettingsError, match=r"requirements-fleet\.txt"):
        load_settings(ini, env, environ)


@pytest.mark.parametrize("roles", ["", "all, worker", "cook"])
def test_invalid_roles_are_mistakes(ini: Path, env: Path, roles: str):
    environ = {"RUN_ROLES": roles, "DATABASE_URL": "postgresql://u@h/d"}
    with pytest.raises(SettingsError, match="RUN_ROLES"):
        load_settings(ini, env, environ)


def test_a_process_has_the_roles_that_it_names(ini: Path, env: Path):
    environ = {"RUN_ROLES": "receiver,worker", "DATABASE_URL": "postgresql://u@h/d"}
    run = load_settings(ini, env, environ).run
    assert run.is_fleet
    assert run.has("worker")
    assert not run.has("scheduler")
    assert load_settings(ini, env, {}).run.has("scheduler")


WEBHOOK = {"TELEGRAM_UPDATES": "webhook", "WEBHOOK_URL": "https://bot.example.org/updates"}


def test_a_webhook_needs_an_address_and_nothing_else(ini: Path, env: Path):
    loaded = load_settings(ini, env, WEBHOOK)
    assert (loaded.telegram.updates, loaded.webhook.max_connections) == ("webhook", 40)
    # With polling, what is left of a webhook does not matter.
    left = load_settings(ini, env, {"WEBHOOK_URL": "http://bot.example.org"})
    assert left.telegram.updates == "poll"


def test_all_mistakes_about_the_webhook_are_named_together_and_no_secret(ini: Path, env: Path):
    key = ini.with_name("key.pem")
    key.write_text("x")
    wrong = {
        **WEBHOOK,
        "WEBHOOK_URL": "http://bot.example.org:8080/",
        "WEBHOOK_SECRET": "hunter2",
        "WEBHOOK_MAX_CONNECTIONS": "101",
        "WEBHOOK_PORT": "0",
        "WEBHOOK_KEY": str(key),
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, wrong)
    text = "\n".join(caught.value.mistakes)
    for part in (
        "WEBHOOK_URL): must be an https address",
        "WEBHOOK_SECRET): must be 16 to 256",
        "WEBHOOK_MAX_CONNECTIONS",
        "WEBHOOK_PORT",
        "WEBHOOK_KEY): is set, so the certificate",
    ):
        assert part in text, part
    assert len(caught.value.mistakes) == 5
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "url", ["", "bot.example.org", "https://bot.example.org:99999", "https://["]
)
def test_an_invalid_address_is_one_mistake(ini: Path, env: Path, url: str):
    with pytest.raises(SettingsError) as caught:
        load_settings(ini, env, {**WEBHOOK, "WEBHOOK_URL": url})
    assert len(caught.value.mistakes) == 1
    assert "WEBHOOK_URL" in caught.value.mistakes[0]


def test_a_server_of_ones_own_needs_no_tls(ini: Path, env: Path):
    own = {**WEBHOOK, "WEBHOOK_URL": "http://bot:9000/x", "TELEGRAM_SERVER": "http://bot-api:8081"}
    assert load_settings(ini, env, own).webhook.url == "http://bot:9000/x"
