"""The one place where the domain's errors become status codes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError
from grpc.aio import ServicerContext

from jobqueue.domain import errors

SENTENCE_LIMIT = 1000
"""Characters of an error that travel: a longer sentence than the client's limit for headers would hide the status."""

# --8<-- [start:status-codes]
STATUS: tuple[tuple[type[Exception], grpc.StatusCode], ...] = (
    (errors.PayloadTooLarge, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.InvalidJob, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.JobNotFound, grpc.StatusCode.NOT_FOUND),
    (errors.WrongState, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.UndecodableRecord, grpc.StatusCode.DATA_LOSS),
    (errors.ShuttingDown, grpc.StatusCode.UNAVAILABLE),
    (errors.StoreFull, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.StoreUnavailable, grpc.StatusCode.UNAVAILABLE),
    (errors.StoreRefused, grpc.StatusCode.FAILED_PRECONDITION),
)
"""From the particular to the general: the first that fits decides."""


@asynccontextmanager
async def translated(method: str, context: "ServicerContext[Any, Any]") -> AsyncIterator[None]:
    """Scope that turns what a call raised into its status; an unexpected error is INTERNAL and logged."""
    try:
        yield
    except errors.JobQueueError as error:
        code = next((code for kind, code in STATUS if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
        await context.abort(code, _short(error))
    except DecodeError as error:
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT, f"these bytes are no request of {method}: {_short(error)}"
        )
    except Exception as error:
        if isinstance(error, grpc.aio.AbortError):
            raise
        structlog.get_logger().exception("call failed", method=method)
        await context.abort(grpc.StatusCode.INTERNAL, "internal error; the server's log has the details")


# --8<-- [end:status-codes]


def _short(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= SENTENCE_LIMIT else f"{text[:SENTENCE_LIMIT]}…"
