"""One pace for several processes, elections, and news of changed lists."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# One call is one transaction, so a client that is stopped never holds the lock. A later release
# that needs another form creates a function of another name: both versions run side by side.
_CLAIM_TURNS = """
CREATE FUNCTION claim_turns(p_bot bigint, p_limits jsonb, p_report jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_now double precision;
    v_hold double precision := (p_limits->>'hold')::double precision;
    v_overall integer := (p_limits#>>'{overall,0}')::integer;
    v_overall_s double precision := (p_limits#>>'{overall,1}')::double precision;
    v_chat integer := (p_limits#>>'{chat,0}')::integer;
    v_chat_s double precision := (p_limits#>>'{chat,1}')::double precision;
    v_group integer := (p_limits#>>'{group,0}')::integer;
    v_group_s double precision := (p_limits#>>'{group,1}')::double precision;
    v_busy integer := (p_limits->>'busy')::integer;
    -- How soon to ask again while tokens are with running calls.
    v_poll double precision := 0.05;
    -- A turn that begins so soon is given away at once, with its delay.
    v_ahead double precision := 0.1;
    v_delay double precision;
    v_used integer;
    v_paused double precision;
    v_answers double precision;
    v_wait double precision := 0;
    v_own_wait double precision;
    v_number integer;
    v_first double precision;
    v_id bigint;
    v_turns jsonb := '[]';
    v_want record;
BEGIN
    -- What a crash of the server loses here is older than any window after its restart.
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO pace (bot_id, chat_id, paused_until, refused_at, answers_until)
    VALUES (p_bot, 0, 0, 0, 0) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM pace WHERE bot_id = p_bot AND chat_id = 0 FOR UPDATE;
    v_now := extract(epoch FROM clock_timestamp());

    DELETE FROM sends WHERE bot_id = p_bot AND ends_at < v_now - v_group_s;
    DELETE FROM pace WHERE bot_id = p_bot AND chat_id <> 0
        AND greatest(paused_until, refused_at + 60) < v_now;
    UPDATE sends SET ends_at = v_now + v_hold
    WHERE bot_id = p_bot
        AND id IN (SELECT value::bigint FROM jsonb_array_elements_text(p_report->'flying'));
    UPDATE sends SET ends_at = v_now - ended.age
    FROM jsonb_to_recordset(p_report->'ended') AS ended(id bigint, age double precision)
    WHERE sends.id = ended.id;
    INSERT INTO sends (bot_id, chat_id, weight, ends_at)
    SELECT p_bot, ended.chat_id, ended.weight, v_now - ended.age
    FROM jsonb_to_recordset(p_report->'ended')
        AS ended(id bigint, chat_id bigint, weight integer, age double precision)
    WHERE ended.id IS NULL;

    SELECT coalesce(sum(weight), 0) INTO v_used
    FROM sends WHERE bot_id = p_bot AND ends_at > v_now - v_overall_s;

    FOR v_want IN
        SELECT * FROM jsonb_to_recordset(p_report->'refused')
            AS refused(chat_id bigint, seconds double precision, is_bulk boolean)
    LOOP
        INSERT INTO pace AS old (bot_id, chat_id, paused_until, refused_at, answers_until)
        VALUES (p_bot, v_want.chat_id, v_now + v_want.seconds, v_now, 0)
        ON CONFLICT (bot_id, chat_id) DO UPDATE SET
            paused_until = greatest(old.paused_until, excluded.paused_until), refused_at = v_now;
        SELECT count(*) INTO v_number FROM pace
        WHERE bot_id = p_bot AND chat_id <> 0
            AND refused_at > v_now - (p_limits#>>'{refusals,1}')::double precision;
        IF v_number >= (p_limits#>>'{refusals,0}')::integer
            OR (NOT v_want.is_bulk AND v_overall - v_used <= v_busy)
        THEN
            UPDATE pace SET paused_until = greatest(paused_until, v_now + v_want.seconds)
            WHERE bot_id = p_bot AND chat_id = 0;
        END IF;
    END LOOP;

    SELECT paused_until, answers_until INTO v_paused, v_answers
    FROM pace WHERE bot_id = p_bot AND chat_id = 0;
    IF v_paused > v_now THEN
        v_wait := v_paused - v_now;
    END IF;
    FOR v_want IN
        SELECT * FROM jsonb_to_recordset(p_report->'wanted')
            AS wanted(chat_id bigint, weight integer, is_bulk boolean)
    LOOP
        v_id := NULL;
        v_own_wait := 0;
        IF v_wait = 0 THEN
            SELECT greatest(paused_until - v_now, 0) INTO v_own_wait
            FROM pace WHERE bot_id = p_bot AND chat_id = v_want.chat_id;
            v_own_wait := coalesce(v_own_wait, 0);
            SELECT count(*), min(ends_at) INTO v_number, v_first FROM sends
            WHERE bot_id = p_bot AND chat_id = v_want.chat_id AND ends_at > v_now - v_chat_s;
            IF v_number >= v_chat THEN
                v_own_wait := greatest(v_own_wait, CASE WHEN v_first > v_now THEN v_poll
                    ELSE v_first + v_chat_s - v_now END);
            END IF;
            IF v_want.chat_id < 0 THEN
                SELECT coalesce(sum(weight), 0), min(ends_at) INTO v_number, v_first FROM sends
                WHERE bot_id = p_bot AND chat_id = v_want.chat_id AND ends_at > v_now - v_group_s;
                IF v_number + v_want.weight > v_group THEN
                    v_own_wait := greatest(v_own_wait, CASE WHEN v_first > v_now THEN v_poll
                        ELSE v_first + v_group_s - v_now END);
                END IF;
            END IF;
        END IF;
        IF v_wait = 0 AND v_own_wait = 0 THEN
            IF v_want.is_bulk AND v_answers > v_now THEN
                v_wait := v_poll;
            ELSE
                v_delay := 0;
                IF v_used + v_want.weight > v_overall THEN
                    -- When enough tokens have returned; NULL while that depends on running calls.
                    SELECT min(ends_at) + v_overall_s - v_now INTO v_delay FROM (
                        SELECT ends_at, sum(weight) OVER (ORDER BY ends_at, id) AS freed FROM sends
                        WHERE bot_id = p_bot AND ends_at > v_now - v_overall_s AND ends_at <= v_now
                    ) AS returning_soon WHERE freed >= v_used + v_want.weight - v_overall;
                END IF;
                IF v_delay <= v_ahead THEN
                    INSERT INTO sends (bot_id, chat_id, weight, ends_at)
                    VALUES (p_bot, v_want.chat_id, v_want.weight, v_now + v_hold)
                    RETURNING id INTO v_id;
                    v_used := v_used + v_want.weight;
                ELSE
                    v_wait := coalesce(v_delay - v_ahead, v_poll);
                    IF NOT v_want.is_bulk THEN
                        UPDATE pace SET answers_until = v_now + v_wait + 2 * v_poll
                        WHERE bot_id = p_bot AND chat_id = 0;
                    END IF;
                END IF;
            END IF;
        END IF;
        v_turns := v_turns
            || jsonb_build_array(jsonb_build_array(v_id, v_own_wait, coalesce(v_delay, 0)));
    END LOOP;
    RETURN jsonb_build_object('turns', v_turns, 'wait', v_wait, 'used', v_used, 'processes',
        (SELECT count(*) FROM workers WHERE alive_until >= v_now));
END $$
"""


_ANNOUNCE = """
CREATE FUNCTION announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('clipferry', TG_TABLE_NAME);
    RETURN NULL;
END $$
"""
#: A restore of a backup that is older than they are leaves them in the database.
_LEFTOVERS = """
DROP FUNCTION IF EXISTS claim_turns(bigint, jsonb, jsonb), announce_change()
"""
_TRIGGER = """
CREATE TRIGGER announce_change AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION announce_change()
"""


def upgrade() -> None:
    """Add the tables; the functions are for PostgreSQL, the only database of several machines."""
    op.create_table(
        "elections",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "pace",
        sa.Column("bot_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("chat_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("paused_until", sa.Double, nullable=False),
        sa.Column("refused_at", sa.Double, nullable=False),
        sa.Column("answers_until", sa.Double, nullable=False),
    )
    op.create_table(
        "sends",
        sa.Column("id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False),
        sa.Column("ends_at", sa.Double, nullable=False),
    )
    op.create_index("ix_sends_bot_id_ends_at", "sends", ["bot_id", "ends_at"])
    op.create_index("ix_sends_bot_id_chat_id", "sends", ["bot_id", "chat_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_LEFTOVERS)
        op.execute(_CLAIM_TURNS)
        op.execute(_ANNOUNCE)
        for table in ("bans", "opt_outs", "access_list"):
            op.execute(_TRIGGER.format(table=table))
