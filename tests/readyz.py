"""The question of a balancer: may this process get requests?"""

import aiohttp


async def ask_readyz(port: int) -> tuple[int, str]:
    """Return status and text of /readyz."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/readyz") as response,
    ):
        return response.status, await response.text()
