"""What can go wrong under an answer, as errors of ours with a remedy."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import openai

from agno_lite.exceptions import (
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelResponseError,
)
from agno_lite.models.openai.wire import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked for what, for messages."""

    model: str
    """Name of the model."""
    host: str
    """Where it was asked, without anything secret."""
    secrets: tuple[str, ...] = ()
    """What must appear in no message."""

    def clean(self, text: str) -> str:
        """The text without the secrets, which some services repeat in their answers."""
        for secret in self.secrets:
            text = text.replace(secret, "[secret]")
        return text


@contextmanager
def translated(asked: Asked) -> Iterator[None]:
    """Turn what the client raises into our errors.

    The original is not kept as the cause: its request carries the key.

    Raises:
        ModelError: something of the client's, of the transport's or ours came out of the block.
    """
    try:
        yield
    except openai.APIStatusError as error:
        raise _status_error(error, asked) from None
    except (openai.APITimeoutError, httpx2.TimeoutException):
        raise ModelConnectionError(
            f"{asked.host} did not answer in time; give the model a longer `timeout`, or look whether the"
            " service is slow"
        ) from None
    except (openai.APIError, httpx2.RequestError, httpx2.StreamError) as error:
        raise _connection_error(error, asked) from None
    except UnicodeDecodeError:
        raise ModelResponseError(
            f"the answer of {asked.host} cannot be used: expected UTF-8, got other bytes"
        ) from None
    except ModelError as error:
        error.args = (asked.clean(str(error)),)
        raise


def _status_error(error: openai.APIStatusError, asked: Asked) -> ModelError:
    status = error.status_code
    kind, remedy = _remedy(status, asked)
    said = asked.clean(error_text(error.body or error.message))
    return kind(f"{asked.host} answered {status}: {said}; {remedy}", status_code=status)


def _remedy(status: int, asked: Asked) -> tuple[type[ModelError], str]:
    if status in (401, 403):
        return ModelAuthenticationError, (
            "check the key in OPENAI_API_KEY or `api_key`, and that it may use this model"
        )
    if status == 404:
        return ModelResponseError, (
            f"check that the service has the model {asked.model!r}, and that the base URL is right"
        )
    if status == 429:
        return ModelRateLimitError, (
            "the retries are used up: ask less often, raise the account's limit, or raise `max_retries`"
        )
    if status >= 500:
        return ModelResponseError, "the retries are used up: the service has a fault, try again later"
    return ModelResponseError, "the service does not accept this request: check the model's settings"


def _connection_error(error: Exception, asked: Asked) -> ModelConnectionError:
    reason = error.__cause__ or error
    if isinstance(error, openai.APIConnectionError):
        return ModelConnectionError(
            f"{asked.host} cannot be reached: {asked.clean(str(reason)) or type(reason).__name__}; check the"
            " network, and the address in OPENAI_BASE_URL or `base_url`"
        )
    return broken(asked, f"{asked.clean(str(reason)) or type(reason).__name__}")


def broken(asked: Asked, reason: str) -> ModelConnectionError:
    """The error for an answer that ended too early."""
    return ModelConnectionError(
        f"the connection to {asked.host} broke before the answer was whole ({reason}); run it again"
    )
