"""Accounts: an administrator sends a cookie file, requests use it, a refusal puts it to rest."""

import re
import tarfile
from pathlib import Path

import pytest

from misc.ui.texts import load_texts
from services.alarms import Alarms, AlarmThresholds
from simulator.sites.instagram import InstagramPost, Media
from simulator.telegram.world import Json
from tests.e2e.bot_harness import BotHarness
from tests.e2e.programs import program
from tests.e2e.test_doctor import report

TEXTS = load_texts()
EN = TEXTS["en"]
ADMIN = {"BOT_ADMINS": "1001", "LIMITS_ATTEMPTS": "1"}
HEAD = "# Netscape HTTP Cookie File\n"
STORY = 3_700_000_000_000_000_001


def line(domain: str = ".instagram.com", expires: int = 2_147_483_647) -> str:
    return f"{domain}\tTRUE\t/\tTRUE\t{expires}\tsessionid\thunter2\n"


GOOD = (HEAD + line() + line(".bank.example")).encode()


def story(harness: BotHarness, number: int = STORY) -> str:
    """Publish a story, which only members see; return its link."""
    photo = Media(harness.samples.picture(400, 500, "s"))
    harness.instagram.session = "hunter2"
    harness.instagram.stories[f"{number}"] = InstagramPost(f"{number}", media=(photo,))
    return f"https://www.instagram.com/stories/ferry.demo/{number}/"


async def menu(harness: BotHarness, *pages: str) -> Json:
    """Open /admin and press buttons of the accounts; return the message."""
    await harness.say("/admin")
    message = harness.answers()[-1]
    for page in ("", *pages):
        await harness.press(message, f"admin/identities{page}")
    return message


def buttons(message: Json) -> list[str]:
    rows = message["reply_markup"]["inline_keyboard"]
    return [
        button["callback_data"].removeprefix("admin/identities") for row in rows for button in row
    ]


def file(harness: BotHarness, name: str = "anna") -> Path:
    return harness.folder / "identities" / "instagram" / f"{name}.txt"


def used(harness: BotHarness) -> int:
    """Return how often the account was shown to the site."""
    return sum("/stories/" in entry.path for entry in harness.simulator.log)


async def test_an_account_is_sent_used_refused_and_rests_beyond_a_restart(harness: BotHarness):
    link = story(harness)
    await harness.start(**ADMIN)
    await harness.say(link)
    assert harness.texts()[-1].startswith(EN["media_login"])
    prompt = await menu(harness, "/add", "/add=instagram")
    assert prompt["text"].startswith("Sign in to Instagram")
    assert "up to 256\N{NO-BREAK SPACE}KB" in prompt["text"]
    message = await harness.send_file(GOOD, "Anna")
    assert message["message_id"] not in harness.home.messages
    assert harness.texts()[-1] == (
        f"Done: Instagram · anna is stored, with the cookies of this site only.\n\n"
        f"{EN['identity_seen']}"
    )
    assert file(harness).stat().st_mode & 0o777 == 0o600
    assert "bank" not in file(harness).read_text()
    await harness.say(link)
    assert "photo" in harness.answers()[-1]
    card = await menu(harness, "/show=instagram/anna")
    assert "🟢 Ready" in card["text"]
    assert "hunter2" not in card["text"]

    refused = story(harness, STORY + 1)
    harness.instagram.session = "another"
    await harness.say(refused)
    assert harness.texts()[-1].startswith(EN["media_login"])
    card = await menu(harness, "/show=instagram/anna")
    assert "🔴 Resting until" in card["text"]
    assert EN["identity_why_refused"] in card["text"]
    assert harness.application
    for _ in range(2):
        await harness.application.container.alarms.check_identities()
    alarm = TEXTS.plain("en", "alarm_identities", site="Instagram")
    assert harness.texts().count(alarm) == 1

    await harness.stop()
    await harness.start(**ADMIN)
    before = used(harness)
    await harness.say(refused)
    assert harness.texts()[-1].startswith(EN["media_login"])
    assert used(harness) == before
    card = await menu(harness, "/show=instagram/anna")
    assert "🔴 Resting until" in card["text"]
    await harness.press(card, "admin/identities/wake=instagram/anna")
    assert "🟢 Ready" in card["text"]
    await harness.application.container.alarms.check_identities()
    assert harness.texts()[-1] == TEXTS.plain("en", "alarm_identities_over", site="Instagram")
    harness.instagram.session = "hunter2"
    await harness.say(refused)
    assert "photo" in harness.answers()[-1]


async def test_containers_that_share_the_accounts_tell_once(harness: BotHarness):
    file(harness).parent.mkdir(parents=True)
    file(harness).write_text(HEAD + line(expires=1))
    await harness.start(**ADMIN)
    assert harness.application
    container = harness.application.container
    await harness.say("/start")
    for machine in ("", "3f0c", "91be"):
        thresholds = AlarmThresholds(failing=0.5, quiet_s=300, canaries=())
        notifier, spool = container.admin_notifier, container.spool
        fetcher, metrics = container.fetcher, container.metrics
        alarms = Alarms(notifier, metrics, fetcher, spool, thresholds, machine)
        await alarms.check_identities()
    alarm = TEXTS.plain("en", "alarm_identities", site="Instagram")
    assert harness.texts().count(alarm) == 2  # of the machine without a name, and of the fleet


async def test_only_a_waiting_administrator_in_private_may_send_cookies(harness: BotHarness):
    await harness.start(**ADMIN)
    await harness.say("/start")
    bo = harness.world.person(1002, "Bo")
    crew = harness.world.group(-1002)
    await harness.send_file(GOOD)  # nobody has asked for it
    await menu(harness, "/add=instagram")
    await harness.send_file(GOOD, person=bo)
    shown = await harness.send_file(GOOD, chat=crew)
    assert harness.texts(crew)[-1] == EN["identity_in_group"]
    number = len(harness.answers(crew))
    assert shown["message_id"] in crew.messages
    await harness.send_file(GOOD, person=bo, chat=crew)
    assert len(harness.answers(crew)) == number
    assert harness.calls("getFile", "deleteMessage") == []
    assert not file(harness, "1").exists()
    # A press elsewhere in the menu ends the wait.
    await menu(harness)
    await harness.send_file(GOOD)
    assert harness.calls("getFile") == []


async def test_useless_files_are_deleted_and_explained(harness: BotHarness):
    await harness.start(**ADMIN)
    await menu(harness, "/add=instagram")
    for content, key in (
        (b"hunter2", "identity_malformed"),
        (b"#" * 256_001, "identity_too_large"),
        ((HEAD + line(".bank.example")).encode(), "identity_other_sites"),
        ((HEAD + line(expires=1)).encode(), "identity_out_of_date"),
    ):
        message = await harness.send_file(content)
        assert harness.texts()[-1] == f"{EN[key]}\n\n{EN['identity_seen']}"
        assert message["message_id"] not in harness.home.messages
    harness.fail("getFile", "400")
    await harness.send_file(GOOD)
    assert harness.texts()[-1].startswith(EN["identity_not_taken"])
    harness.fail("deleteMessage", "400", description="Bad Request: message can't be deleted")
    await harness.send_file(GOOD, "../../etc")
    assert harness.texts()[-1].endswith(EN["identity_not_deleted"])
    assert file(harness, "1").exists()
    assert len(list(harness.folder.rglob("identities/**/*.txt"))) == 1


async def test_accounts_are_listed_rested_renewed_and_removed(harness: BotHarness):
    await harness.simulator.add_proxy("proxy-2")
    await harness.start(**ADMIN)
    start = await menu(harness, "/add")
    assert "/add=instagram" in buttons(start)
    await harness.press(start, "admin/identities/add=instagram")
    exits = buttons(start)
    assert exits[:3] == ["/add=instagram/0", "/add=instagram/1", "/add=instagram/any"]
    await harness.press(start, "admin/identities/add=instagram/1")
    await harness.send_file(GOOD, "anna")
    (name,) = re.findall(r"# exit: (.*)", file(harness).read_text())
    assert name == harness.simulator.proxies[1].address()
    card = await menu(harness, "/show=instagram/anna")
    assert buttons(card)[:3] == [f"/{a}=instagram/anna" for a in ("rest", "renew", "ask")]
    await harness.press(card, "admin/identities/rest=instagram/anna")
    assert EN["identity_why_admin"] in card["text"]
    await harness.press(card, "admin/identities/renew=instagram/anna")
    await harness.send_file((HEAD + line()).encode(), "other")
    assert [path.name for path in file(harness).parent.glob("*.txt")] == ["anna.txt"]
    assert "# exit: " in file(harness).read_text()
    listed = await menu(harness)
    assert "🟢 Instagram · anna" in str(listed["reply_markup"])
    await harness.press(listed, "admin/identities/ask=instagram/anna")
    assert file(harness).exists()
    await harness.press(listed, "admin/identities/remove=instagram/anna")
    assert listed["text"].startswith("Accounts: 0")
    assert list(file(harness).parent.iterdir()) == []
    # Buttons of old messages do nothing.
    await harness.press(listed, "admin/identities/rest=instagram/anna")
    await harness.press(listed, "admin/identities/add=nosuchsite")


async def test_the_file_of_the_setting_is_shown_and_not_changed(harness: BotHarness):
    cookies = harness.folder / "cookies.txt"
    cookies.write_text(HEAD + line())
    await harness.start(NETWORK_COOKIES_FILE=str(cookies), **ADMIN)
    card = await menu(harness, "/show=instagram/cookies_file")
    assert buttons(card)[0] == "/rest=instagram/cookies_file"
    assert len(buttons(card)) == 2
    for action in ("remove", "renew", "ask"):
        await harness.press(card, f"admin/identities/{action}=instagram/cookies_file")
    assert cookies.exists()
    await harness.press(card, "admin/identities/rest=instagram/cookies_file")
    await harness.say(story(harness))
    assert harness.texts()[-1].startswith(EN["media_login"])


async def test_a_backup_has_no_secrets_unless_they_are_asked_for(harness: BotHarness):
    await harness.start(**ADMIN)
    await menu(harness, "/add=instagram")
    await harness.send_file(GOOD, "anna")
    environment = {
        **harness.simulator.bot_environment(harness.folder),
        "DATABASE_URL": f"sqlite:///{harness.folder / 'bot.db'}",
    }

    async def call(*arguments: str, code: int = 0) -> str:
        process, _ = await program(*arguments, folder=harness.folder, **environment)
        output, errors = await process.communicate()
        assert (process.returncode, b"Traceback" in errors) == (code, False), errors
        assert b"hunter2" not in output + errors
        return (output + errors).decode()

    plain, full = harness.folder / "plain.db", harness.folder / "full.db"
    await call("backup", str(plain))
    assert "1 accounts and the token" in await call("backup", str(full), "--with-secrets")
    for database in (plain, full):
        content = database.read_bytes()
        assert b"hunter2" not in content
        assert harness.simulator.token.encode() not in content
    assert list(harness.folder.glob("plain.db*")) == [plain]
    with tarfile.open(f"{full}.secrets.tar") as archive:
        names = archive.getnames()
    assert set(names) == {
        *("token.env", "identities/instagram/anna.txt", "identities/instagram/anna.json"),
    }
    await harness.stop()
    file(harness).unlink()
    refused = await call("restore", str(plain), "--with-secrets", code=2)
    assert f"cannot read {plain}.secrets.tar: No such file or directory" in refused
    plain.with_name(f"{plain.name}.secrets.tar").write_text("damaged")
    plain.rename(harness.folder / "x.db")
    refused = await call("backup", str(plain), "--with-secrets", code=2)
    assert f"The backup has failed: {plain}.secrets.tar exists already" in refused
    assert not plain.exists()
    (harness.folder / "x.db").rename(plain)
    refused = await call("restore", str(plain), "--with-secrets", code=2)
    assert "and the database is as it was: cannot read " in refused
    assert not list(harness.folder.rglob("*.before-restore"))
    assert "Put 1 accounts back" in await call("restore", str(full), "--with-secrets")
    assert "hunter2" in file(harness).read_text()


async def test_the_doctor_lists_accounts_and_uses_none(harness: BotHarness):
    folder = file(harness).parent
    folder.mkdir(parents=True)
    for name, text in {
        "anna": HEAD + line(),
        "bob": HEAD + line(expires=1),
        "carl": HEAD + "# exit: http://gone:1\n" + line(),
        "dora": HEAD + line(),
    }.items():
        path = folder / f"{name}.txt"
        path.write_text(text)
        path.chmod(0o600)
    (folder / "anna.txt").chmod(0o644)
    (folder / "dora.json").write_text('{"reason": "refused", "rests_until": null, "refusals": 1}')
    canary = story(harness)
    _, lines = await report(harness, WATCH_CANARIES=canary, **ADMIN)
    for part in (
        "ok       account anna of Instagram: 0 days old, ready",
        "anna.txt can be read by other users: chmod 600",
        "warning  account bob of Instagram: 0 days old, its cookies have expired",
        "account carl of Instagram: 0 days old, its proxy http://gone:1 is not in the list",
        "warning  account dora of Instagram: 0 days old, rests (refused)",
    ):
        assert any(part in line for line in lines), part
    assert used(harness) == 0


@pytest.mark.parametrize("language", ["ar", "ru"])
async def test_the_screens_follow_the_administrators_language(harness: BotHarness, language: str):
    await harness.start(**ADMIN)
    await harness.say("/lang")
    await harness.press(harness.answers()[-1], f"lang/{language}")
    message = await menu(harness)
    assert message["text"].startswith(TEXTS.plain(language, "identities_list", number=0))
