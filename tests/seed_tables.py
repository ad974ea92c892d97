"""A database that the seed page's module has made."""

from sqlalchemy import text

from data import database

#: The seed page's tables, as PostgreSQL and SQLite write them for its models.
_DDL: dict[str, tuple[str, ...]] = {
    "postgresql": (
        "CREATE TABLE users (user_id BIGINT NOT NULL, registered_at BIGINT, lang VARCHAR NOT NULL, "
        "link VARCHAR, file_mode BOOLEAN NOT NULL, {ads} PRIMARY KEY (user_id), UNIQUE (user_id))",
        "CREATE TABLE videos (pk_id BIGSERIAL NOT NULL, user_id BIGINT NOT NULL, "
        "downloaded_at BIGINT, video_link VARCHAR NOT NULL, is_images BOOLEAN NOT NULL, "
        "is_processed BOOLEAN NOT NULL, is_inline BOOLEAN NOT NULL, PRIMARY KEY (pk_id), "
        "FOREIGN KEY(user_id) REFERENCES users (user_id))",
        "CREATE TABLE music (pk_id BIGSERIAL NOT NULL, user_id BIGINT NOT NULL, "
        "downloaded_at BIGINT, video_id BIGINT NOT NULL, PRIMARY KEY (pk_id), "
        "FOREIGN KEY(user_id) REFERENCES users (user_id))",
    ),
}
_DDL["sqlite"] = tuple(ddl.replace("BIGSERIAL", "BIGINT") for ddl in _DDL["postgresql"])
_AD_COLUMNS = "ad_count INTEGER NOT NULL, ad_cooldown BIGINT NOT NULL,"


async def make_seed_database(*, with_ads: bool) -> str:
    """Create the tables in the database that is initialised, with rows; return its dialect."""
    assert database.engine is not None
    dialect = database.engine.dialect.name
    async with database.engine.begin() as connection:
        for ddl in _DDL[dialect]:
            await connection.execute(text(ddl.format(ads=_AD_COLUMNS if with_ads else "")))
        ads, values = (", ad_count, ad_cooldown", ", 2, 1700") if with_ads else ("", "")
        await connection.execute(
            text(
                f"INSERT INTO users (user_id, registered_at, lang, link, file_mode{ads}) VALUES "
                f"(7, 100, 'ru', 'ref', true{values}), (-100, NULL, 'xx', NULL, false{values})"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO videos VALUES (1, 7, 200, 'https://a', true, false, false), "
                "(2, 7, NULL, 'https://b', false, true, true), "
                "(5, -100, 201, 'c', false, false, false)"
            )
        )
        await connection.execute(text("INSERT INTO music VALUES (1, 7, 300, 7123456789012345678)"))
        if dialect == "postgresql":
            await connection.execute(text("SELECT setval('videos_pk_id_seq', 5)"))
            await connection.execute(text("SELECT setval('music_pk_id_seq', 1)"))
    return dialect
