"""One `openai` client per process and endpoint.

A client owns connections, which belong to an event loop, and making one takes tens of milliseconds. So
clients live on the background loop, are shared by all model objects with the same settings, and are closed
with the loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agno_lite.exceptions import ConfigurationError
from agno_lite.models.offline.settings import latency_setting
from agno_lite.utils.aio import close_at_exit

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

    from agno_lite.models.settings import Endpoint

OFFLINE_URL = "http://offline.invalid/v1"
"""Base address of requests to the offline model: a name that can never be resolved (RFC 2606)."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """What distinguishes one client from another."""

    endpoint: Endpoint
    """Where it sends requests, and with which key."""
    organization: str | None
    """OpenAI's organisation, if not that of the environment."""
    http_client: httpx2.AsyncClient | None
    """The caller's own HTTP client."""
    latency: float | None = field(default_factory=latency_setting)
    """How long the offline model takes, in seconds."""


_clients: dict[tuple[asyncio.AbstractEventLoop, ClientKey], AsyncOpenAI] = {}


def shared_client(
    endpoint: Endpoint, organization: str | None = None, http_client: httpx2.AsyncClient | None = None
) -> AsyncOpenAI:
    """The client for these settings. To be called on the background loop, hence without a lock.

    Raises:
        ConfigurationError: the address is no URL.
    """
    key = ClientKey(endpoint, organization, http_client)
    place = (asyncio.get_running_loop(), key)
    if place not in _clients:
        client = _clients[place] = _make(key)

        async def close() -> None:
            del _clients[place]
            await client.close()

        close_at_exit(close)
    return _clients[place]


def _make(key: ClientKey) -> AsyncOpenAI:
    import httpx2
    from openai import AsyncOpenAI
    from openai._base_client import get_platform

    endpoint = key.endpoint
    try:
        client = AsyncOpenAI(
            api_key=endpoint.api_key,
            base_url=OFFLINE_URL if endpoint.offline else endpoint.base_url,
            organization=key.organization,
            http_client=_offline_http(key.latency) if endpoint.offline else key.http_client,
        )
    except httpx2.InvalidURL as error:
        raise ConfigurationError(
            "base_url or OPENAI_BASE_URL: expected an address such as https://host/v1, got one that is no"
            f" URL: {error}"
        ) from None
    # Otherwise the first requests each ask a thread for it, and those that start together are sent in an
    # order that differs from run to run.
    client._platform = get_platform()  # noqa: SLF001 - pinned by a test
    return client


def _offline_http(latency: float | None) -> httpx2.AsyncClient:
    import httpx2

    from agno_lite.models.offline import OfflineModel, OfflineTransport

    return httpx2.AsyncClient(transport=OfflineTransport(OfflineModel(latency=latency)), trust_env=False)
