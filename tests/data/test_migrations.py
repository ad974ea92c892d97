"""Two versions run side by side during an upgrade: a migration only adds (docs/decisions/0049)."""

import ast
import re
from collections.abc import Iterator

import pytest

from data.config import ROOT

VERSIONS = ROOT / "data" / "migrations" / "versions"
#: Those before are older than the rule.
FIRST = "0017"
#: Migrations that remove something, and the release since which no process uses it, or why none
#: needs it.
CONTRACTIONS: dict[str, str] = {"0017": "an index, without which every statement works as well"}

REMOVES = re.compile(r"(drop|rename|alter)_\w+|batch_alter_table")
CONSTRAINS = re.compile(
    r"create_(unique_constraint|check_constraint|foreign_key|primary_key|exclude_constraint)"
)
SQL = re.compile(
    r"\b(drop|rename|alter|truncate)\s+\w+|\bor\s+replace\b|\bset\s+not\s+null\b|\badd\s+constraint\b"
    r"|\bcreate\s+unique\b",
    re.IGNORECASE,
)


def removals(source: str) -> list[str]:
    """Return what a migration does that may break processes of the version before."""
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    new = {text(call.args[0]) for call in calls if name_of(call) == "create_table"}
    return [*(name for call in calls if (name := broken_by(call, new))), *statements(tree)]


def broken_by(call: ast.Call, new: set[str]) -> str | None:
    """Return the name of a call that older processes may not survive; `new` are its own tables."""
    name = name_of(call)
    if REMOVES.fullmatch(name):
        return name
    if name == "add_column" and any(is_required(column) for column in call.args):
        return name
    is_unique = name == "create_index" and keywords(call).get("unique", "False") != "False"
    table = text(call.args[1]) if len(call.args) > 1 else ""
    return name if (is_unique or CONSTRAINS.fullmatch(name)) and table not in new else None


def is_required(column: ast.expr) -> bool:
    """Return True for a column that must have a value which older processes do not write."""
    if not isinstance(column, ast.Call):
        return False
    given = keywords(column)
    may_be_empty = given.get("nullable", "True") == "True" and "primary_key" not in given
    return not may_be_empty and "server_default" not in given


def statements(tree: ast.Module) -> Iterator[str]:
    """Yield what SQL in strings does; docstrings are none."""
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    docs = {ast.get_docstring(n, clean=False) for n in ast.walk(tree) if isinstance(n, documented)}
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and value not in docs and (found := SQL.search(value)):
            yield found[0]


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def keywords(call: ast.Call) -> dict[str, str]:
    return {one.arg: ast.unparse(one.value) for one in call.keywords if one.arg}


def text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_migrations_only_add():
    found = {}
    for file in sorted(VERSIONS.glob("*.py")):
        revision = file.name.partition("_")[0]
        if revision >= FIRST and revision not in CONTRACTIONS:
            found[file.name] = removals(file.read_text())
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "planted",
    [
        'op.drop_column("requests", "epoch")',
        'op.drop_table("lists")',
        'op.drop_index("ix_lists_made_at")',
        'op.rename_table("lists", "cards")',
        'op.alter_column("requests", "epoch", new_column_name="term")',
        'with op.batch_alter_table("requests") as batch:\n    batch.drop_column("epoch")',
        'op.add_column("requests", sa.Column("term", sa.Integer, nullable=False))',
        'op.create_unique_constraint("uq", "requests", ["chat_id"])',
        'op.create_index("ix", "requests", ["chat_id"], unique=True)',
        'op.execute("alter table requests drop column epoch")',
        'op.execute(sa.text("CREATE OR REPLACE FUNCTION claim_turns() ..."))',
        'op.execute("ALTER TABLE requests ALTER epoch SET NOT NULL")',
    ],
)
def test_a_planted_removal_is_found(planted: str):
    assert removals(f"import sqlalchemy as sa\nfrom alembic import op\n{planted}\n")


@pytest.mark.parametrize(
    "planted",
    [
        'op.create_table("new", sa.Column("id", sa.Integer, nullable=False))\n'
        'op.create_index("ix", "new", ["id"], unique=True)',
        'op.add_column("requests", sa.Column("term", sa.Integer))',
        'op.add_column("requests", sa.Column("term", sa.Integer, nullable=True))',
        'op.add_column("requests", sa.Column("t", sa.Integer, nullable=False, server_default="0"))',
        'op.create_index("ix", "requests", ["chat_id"])',
        'op.execute("CREATE FUNCTION claim_turns_2() ...")',
        'def upgrade():\n    """Drop nothing, alter nothing."""',
    ],
)
def test_what_adds_is_allowed(planted: str):
    assert removals(planted) == []


def test_what_real_migrations_have_removed_is_found():
    old = [file for file in VERSIONS.glob("*.py") if file.name[:4] < FIRST]
    assert any(removals(file.read_text()) for file in old)
