"""Every sentence, in every language, and no sentence too many."""

import ast
import json
import re
import string
import unicodedata
from pathlib import Path
from typing import get_args

import pytest
from babel import Locale

from app.bot_commands import (
    ADMIN_COMMANDS,
    GROUP_ADMIN_COMMANDS,
    PRIVATE_COMMANDS,
    READER_COMMANDS,
)
from core import identities
from core.broadcasts import State
from core.captions import CaptionPart
from core.choices import WordKind, choice_in
from core.errors import (
    BugError,
    ClipferryError,
    LinksLeftOutError,
    PartialDeliveryError,
    PieceError,
    QueueFullError,
    TooLargeError,
    TooLongError,
    TrackTooLargeError,
)
from core.formats import Quality
from core.statistics import Metric, Period, Scope
from data.config import ROOT
from handlers.admin import audience
from handlers.statistics.screens import Screen
from misc.ui.settings_menu import GROUP_SWITCHES, Page
from misc.ui.texts import DECIDING, Text, Texts, choice_words, load_texts
from simulator.telegram.markup import parse_html
from tests.core.test_rules import leaves

TEXTS = load_texts()
FILES = {file.stem: json.loads(file.read_text()) for file in (ROOT / "locale").glob("*.json")}
#: Shown in alerts, buttons and menus, where Telegram knows no formatting.
PLAIN = {"not_admin", "lang_unknown", "button_expired", "error", "ad_button", "language_name"}
PLAIN |= {"stats_same", "stats_no_history", *(leaf.text_key for leaf in leaves())}
PLAIN |= {"settings_expired", "my_links_on", "settings_back"}
PLAIN |= {"access_listed", "access_members", "access_unknown"}


def forms(text: Text) -> list[str]:
    """Return the plural forms of a text; most have one."""
    return [text] if isinstance(text, str) else list(text.values())


def placeholders(text: Text) -> set[str]:
    return {name for form in forms(text) for name in _placeholders(form)}


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_eight_languages_are_there():
    assert set(FILES) == {"ar", "en", "hi", "id", "ru", "so", "uk", "vi"}
    assert set(TEXTS.languages) == set(FILES)


@pytest.mark.parametrize("language", sorted(FILES))
def test_a_language_has_the_keys_and_placeholders_of_english(language: str):
    assert list(FILES[language]) == list(FILES["en"])
    for key, text in FILES["en"].items():
        assert placeholders(FILES[language][key]) == placeholders(text), key
        assert isinstance(FILES[language][key], str) == isinstance(text, str), key
        assert all(form.strip() for form in forms(FILES[language][key])), key


@pytest.mark.parametrize("language", sorted(FILES))
def test_numbers_have_every_plural_form_of_the_language(language: str):
    rule = Locale.parse(language).plural_form
    categories = {rule(number) for number in range(1000)}
    for key, text in FILES[language].items():
        if not isinstance(text, str):
            assert set(text) == categories, key
        assert (DECIDING in placeholders(text)) == (not isinstance(text, str)), key


def test_the_number_decides_the_form():
    forms_of = {"one": "{count} рядок", "few": "{count} рядки", "many": "{count} рядків"}
    texts = Texts(
        {"uk": {"rows": forms_of}, "en": {"rows": {"one": "1 row", "other": "{count} rows"}}}
    )
    assert [texts("uk", "rows", count=count) for count in (1, 3, 11, 21)] == [
        *("1 рядок", "3 рядки", "11 рядків", "21 рядок"),
    ]
    assert [texts("xx", "rows", count=count) for count in (0, 1, 2)] == [
        "0 rows",
        "1 row",
        "2 rows",
    ]


@pytest.mark.parametrize("language", sorted(FILES))
def test_every_text_is_good_html_within_telegrams_limits(language: str):
    for key, text in FILES[language].items():
        for form in forms(text):
            plain, entities = parse_html(form)
            assert len(plain) <= (200 if key in PLAIN else 4096), key
            if key in PLAIN or key.startswith("command_"):
                assert not entities, key
                assert plain == form, key
    assert all(len(FILES[language][f"command_{c}"]) <= 256 for c in ("start", "lang", "mode"))


@pytest.mark.parametrize("language", sorted(set(FILES) - {"en"}))
def test_no_sentence_was_left_in_english(language: str):
    same = [key for key, text in FILES[language].items() if text == FILES["en"][key]]
    assert same == []


#: Screens that only administrators see, and the two notes for a long wait.
NOT_CHECKED = re.compile(r"(?:admin|broadcast|log|stats|user)_|waiting$|working$")
#: Words of translated or personified English, and long forms where people use contractions.
STILTED = re.compile(
    r"\b(?:shall|whilst|anew|closed to me|being worked on|however they came|bring|unforeseen)\b"
    r"|\b(?:can|could|do|does|did|is|are|was|were|has|have|will|would)(?: |(?<=can))not\b"
    r"|\bI (?:am|will|would)\b|\b(?:that|there) is\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("key", [key for key in FILES["en"] if not NOT_CHECKED.match(key)])
def test_english_reads_as_people_write_it(key: str):
    assert [form for form in forms(FILES["en"][key]) if STILTED.search(form)] == []


@pytest.mark.parametrize("stilted", ["I cannot", "I am here", "Which one shall I", "it is not"])
def test_stilted_english_is_found(stilted: str):
    assert STILTED.search(stilted)


#: How each language must not be written: wrong typography, and words its glossary replaces.
MISTAKES = {
    "ar": r"[\u0600-\u06ff],|[\u0600-\u06ff]\?|تيليغرام",
    "hi": r"[\u0900-\u097f]\.(?:\s|$)|तस्वीर|गुणवत्ता|प्रतिबंध|समूह",
    "id": r"\bkiriman|\bkamu\b|\bgambar",
    "ru": r"\bпост(?:а|у|ом|е|ы|ов|ам)?\b|\bещё не\b|\bпринес|\bиграют\b|[\"“”]| [-–] |[\d}] %"
    r"|картинк",
    "so": r"\bxiriiriy",
    "uk": r"\bпост(?:а|у|ом|і|и|ів|ам)?\b|\bще не\b|\bпринес|\bграють\b|[\"“”]| - |[\d}] %|\w'\w"
    r"| – |картинк|публікац|початков\w+ файл",
    "vi": r"\bmang\b|\btải xuống",
}


@pytest.mark.parametrize("language", sorted(MISTAKES))
def test_a_language_keeps_its_typography_and_its_glossary(language: str):
    texts = {key: text for key, text in FILES[language].items() if not NOT_CHECKED.match(key)}
    mistake = re.compile(MISTAKES[language], re.IGNORECASE)
    assert {key for key, text in texts.items() if any(map(mistake.search, forms(text)))} == set()


@pytest.mark.parametrize(
    ("language", "mistake"),
    [
        ("ar", "أهلًا, مرحبًا"),
        ("hi", "लिंक भेजें."),
        ("id", "Kirim kiriman ini"),
        ("ru", "Ещё не удалось получить"),
        ("ru", "Этот пост удалён"),
        ("so", "Xiriiriyahan"),
        ("uk", "моє ім'я"),
        ("uk", 'Реклама "тут"'),
        ("vi", "Tôi mang video về"),
    ],
)
def test_mistakes_are_found(language: str, mistake: str):
    assert re.search(MISTAKES[language], mistake, re.IGNORECASE)


@pytest.mark.parametrize("language", sorted(FILES))
def test_units_of_sizes_come_from_the_formatter(language: str):
    unit = re.compile(r"\b[KMG]B\b|\b[кМГ]Б\b|بايت|[كمغ]\.ب")
    assert [
        key for key, text in FILES[language].items() if any(map(unit.search, forms(text)))
    ] == []


@pytest.mark.parametrize("language", sorted(FILES))
def test_the_words_that_the_help_names_choose_a_version(language: str):
    words = re.findall("<code>(.*?)</code>", FILES[language]["help_versions"])
    assert len(words) == 5
    assert [word for word in words if choice_in(word, choice_words()) is None] == []


@pytest.mark.parametrize(
    "comment",
    ["COD", "CoD?", "cod ya", "yar", "Nhật", "nhạt", "nhớ", "nhạc nhẹ", "best video ever", "ya"],
)
def test_what_people_write_about_a_link_chooses_nothing(comment: str):
    assert choice_in(f"https://vm.tiktok.com/ZM1 {comment}", choice_words()) is None


@pytest.mark.parametrize("language", sorted(FILES))
def test_commands_are_described_with_a_capital_and_without_a_full_stop(language: str):
    for key, text in FILES[language].items():
        if key.startswith("command_"):
            assert text[0] == text[0].upper(), key
            assert text[-1] not in ".।", key


def test_lists_are_joined_only_by_the_formatter():
    joined = {
        str(file.relative_to(ROOT))
        for package in ("handlers", "misc")
        for file in (ROOT / package).glob("**/*.py")
        if re.search(r"""["'][,،] ["']\.join""", file.read_text())
    }
    # Numbers of chats to be copied, in a message for administrators.
    assert joined == {"handlers/admin/broadcast_card.py"}


def test_every_error_has_its_sentence_with_its_facts():
    examples: dict[type[ClipferryError], ClipferryError] = {
        TooLongError: TooLongError(1, 2),
        TooLargeError: TooLargeError(1, 2),
        TrackTooLargeError: TrackTooLargeError(1, 2),
        PieceError: PieceError(90),
        PartialDeliveryError: PartialDeliveryError(1, 2),
        QueueFullError: QueueFullError(3),
        LinksLeftOutError: LinksLeftOutError(200),
        BugError: BugError("A1B2C3D4"),
    }
    for leaf in leaves():
        assert leaf.text_key in FILES["en"], leaf
        facts = set(examples[leaf].facts) if leaf in examples else set()
        assert placeholders(FILES["en"][leaf.text_key]) <= facts, leaf


def _string_literals() -> set[str]:
    found: set[str] = set()
    for room in ("app", "core", "delivery", "handlers", "misc", "services"):
        for file in Path(ROOT / room).glob("**/*.py"):
            tree = ast.parse(file.read_text())
            found |= {
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    return found


def test_every_text_is_used_and_every_used_text_is_there():
    literals = _string_literals()
    by_name = {
        f"command_{name}"
        for name in (*PRIVATE_COMMANDS, *GROUP_ADMIN_COMMANDS, *ADMIN_COMMANDS, *READER_COMMANDS)
    }
    by_name |= {
        f"quality_{quality.name.lower()}" for quality in Quality if quality is not Quality.HD
    }
    by_name |= {f"set_{name}" for name in GROUP_SWITCHES}
    by_name |= {f"caption_{part}" for part in CaptionPart}
    by_name |= {f"settings_about_{page}" for page in Page if page is not Page.MAIN}
    by_name |= {f"access_mode_{mode}" for mode in ("everyone", "listed")}
    by_name |= {f"broadcast_{state}" for state in State if state is not State.DRAFT}
    by_name |= {f"broadcast_choose_{condition}" for condition in audience.CONDITIONS}
    by_name |= {f"user_{action}" for action in ("ban", "unban")}
    by_name.add("admin_identities")
    sections = ("broadcasts", "statistics", "people", "bans", "errors", "ads", "access", "ytdlp")
    by_name |= {f"admin_{section}" for section in sections}
    by_name |= {f"identity_{action}" for action in ("rest", "wake")}
    by_name |= {f"identity_is_{state}" for state in identities.IdentityState if state != "rests"}
    by_name |= {f"identity_why_{reason}" for reason in identities.Reason}
    by_name |= {f"stats_{screen}" for screen in Screen}
    by_name |= {f"stats_scope_{scope}" for scope in Scope}
    by_name |= {f"stats_period_{period}" for period in Period}
    by_name |= {f"stats_metric_{metric}" for metric in Metric}
    by_name |= {f"stats_botstat_{outcome}" for outcome in ("done", "busy", "failed")}
    by_name |= {f"words_{kind}" for kind in get_args(WordKind)}
    unused = set(FILES["en"]) - literals - by_name
    assert unused == set()


def test_the_slash_of_a_command_stays_before_it_in_right_to_left_texts():
    mark = "\N{LEFT-TO-RIGHT MARK}"
    commands = {
        language: [
            text[max(found.start() - 1, 0)]
            for text in TEXTS[language].values()
            for found in re.finditer(r"(?<![\w/<>:.])/(?=[a-z])", text)
        ]
        for language in FILES
    }
    assert set(commands.pop("ar")) == {mark}
    assert mark not in {before for found in commands.values() for before in found}
    assert mark not in TEXTS("ar", "about_source", url="https://a.example/b")


#: One number for each plural category of Arabic.
NUMBERS = (0, 1, 2, 3, 11, 100)


def direction(line: str) -> str:
    """Return the class of the first letter or mark that has a direction: apps go by that."""
    classes = map(unicodedata.bidirectional, line)
    return next((one for one in classes if one in {"L", "R", "AL"}), "")


def shown(key: str) -> set[str]:
    """Return an Arabic text in each of its forms, with a Latin word for each fact."""
    facts = dict.fromkeys(placeholders(FILES["ar"][key]), "X")
    return {parse_html(TEXTS("ar", key, **facts | {DECIDING: n}))[0] for n in NUMBERS}


def test_no_line_of_an_arabic_text_is_turned_around_by_how_it_begins():
    lines = [(key, line) for key in FILES["ar"] for text in shown(key) for line in text.split("\n")]
    # A fact alone, such as the title of a list, keeps its own direction.
    worded = [(key, line) for key, line in lines if any(map(str.isalpha, line.replace("X", "")))]
    assert len(worded) > len(FILES["ar"]) / 2
    assert [(key, line) for key, line in worded if direction(line) == "L"] == []


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("welcome_help", "\u200f\u200e/help"),  # a command
        ("about", "\u200fClipferry"),  # a name
        ("allow_known", "\u200fX"),  # a fact within a sentence
        ("list_choose", "X"),  # a fact alone
        ("link_broken", FILES["ar"]["link_broken"][:5]),  # an Arabic word
    ],
)
def test_marks_begin_only_the_lines_that_need_them(key: str, first: str):
    assert all(text.startswith(first) for text in shown(key))


@pytest.mark.parametrize("language", sorted(set(FILES) - {"ar"}))
def test_texts_from_left_to_right_have_no_marks(language: str):
    assert not [key for key, text in TEXTS[language].items() if re.search("[\u200e\u200f]", text)]


@pytest.mark.parametrize(
    ("language", "label", "begins"),
    [
        ("ar", "☐ 720p", "\u200f☐"),
        ("ar", "☐ 5", "\u200f☐"),  # no letter: the app's own language would decide
        ("ar", "☐ الأفضل", "☐"),
        ("en", "☐ 720p", "☐"),
        ("en", "☐ العربية", "☐"),
        ("xx", "☐ 720p", "☐"),
    ],
)
def test_only_labels_that_begin_from_the_wrong_side_are_turned(
    language: str, label: str, begins: str
):
    directed = TEXTS.directed(language, label)
    assert directed == begins + label.removeprefix("☐")


def test_an_unknown_language_is_english_and_facts_are_escaped():
    assert TEXTS("xx", "link_broken") == FILES["en"]["link_broken"]
    assert "&lt;b&gt;" in TEXTS("en", "error", code="<b>")
    assert "xx" not in TEXTS


def test_a_class_without_its_own_sentence_inherits_one():
    assert ClipferryError.text_key in FILES["en"]
