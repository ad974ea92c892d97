"""Debian's Prometheus scrapes the bot; every rule and every query of deploy/ is evaluated."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.bot_harness import PATIENCE_S, VIDEO, BotHarness
from tests.installed import needs
from tests.ports import free_port
from tests.promql import RULES, panels

pytestmark = [
    pytest.mark.slow,
    needs("prometheus", "prometheus", "that every rule and every panel can be evaluated"),
]


@asynccontextmanager
async def prometheus(folder: Path, scraped_port: int) -> AsyncIterator[str]:
    """Run Prometheus with our rules during the block; yield its address."""
    port = free_port()
    config = {
        "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {
                "job_name": "clipferry",
                "static_configs": [{"targets": [f"127.0.0.1:{scraped_port}"]}],
            }
        ],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def ask(session: aiohttp.ClientSession, url: str, **parameters: str) -> Any:
    """Return the data of a response of Prometheus; None while it has not started."""
    try:
        async with session.get(url, params=parameters) as response:
            found = await response.json()
    except aiohttp.ClientConnectionError:
        return None
    assert found["status"] == "success", found
    return found["data"]


def queries() -> dict[str, str]:
    """Return the queries of the dashboard by panel and letter."""
    return {panel.name: panel.expression.replace("$__rate_interval", "1m") for panel in panels()}


async def unanswered(
    session: aiohttp.ClientSession, address: str, wanted: dict[str, str]
) -> set[str]:
    """Return which of the queries have no data, or no number."""
    found = set()
    for name, query in wanted.items():
        data = await ask(session, f"{address}/api/v1/query", query=query)
        values = [series["value"][1] for series in data["result"]] if data else []
        if not [value for value in values if value != "NaN"]:
            found.add(name)
    return found


@pytest.mark.long
async def test_every_rule_is_sound_and_every_panel_has_data(harness: BotHarness, tmp_path: Path):
    harness.video()
    port = free_port()
    await harness.start(WATCH_PORT=str(port), TELEGRAM_PACING="true")
    async with (
        prometheus(tmp_path, port) as address,
        aiohttp.ClientSession() as session,
    ):
        left, number = queries(), 0
        assert len(left) > 20
        deadline = time.monotonic() + PATIENCE_S
        harness.fail("sendVideo", "429", seconds=1)
        while left:
            # Something of every kind goes on happening: rates need several scrapes.
            assert time.monotonic() < deadline, f"no data: {sorted(left)}"
            number += 1
            post = f"73{number:017}"
            harness.video(post)
            await harness.say(f"https://www.tiktok.com/@ferry.demo/video/{post}")
            await harness.say(VIDEO)
            await harness.say("https://www.tiktok.com/@ferry.demo/video/7300000000000000404")
            still = await unanswered(session, address, left)
            left = {name: query for name, query in left.items() if name in still}
        groups = (await ask(session, f"{address}/api/v1/rules"))["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert len(rules) > 10
        assert {rule["name"]: rule["health"] for rule in rules if rule["health"] != "ok"} == {}
        assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []
