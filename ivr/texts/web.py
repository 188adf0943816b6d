"""Texts to a gateway on the web: each a POST of a small JSON object."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import httpx

from ivr.flow.outside import OutsideFailed, TextMessage


class HttpGateway:
    """``token`` goes along as a bearer token; neither redirects nor the environment's proxies are followed, so it goes
    nowhere else."""

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(headers=headers, timeout=timeout_s, follow_redirects=False, trust_env=False)

    async def send(self, message: TextMessage) -> None:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", self._url, json=asdict(message)) as answer,
            ):  # what it answers is not read: its code says all
                if not answer.is_success:
                    raise OutsideFailed(f"the text gateway answered {answer.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as fault:
            raise OutsideFailed(f"the text gateway could not be asked: {type(fault).__name__}") from None

    async def close(self) -> None:
        await self._client.aclose()
