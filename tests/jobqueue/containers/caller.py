"""A client that submits at a steady rate to several fronts, with the retries that gRPC's service config describes."""

import asyncio
import json
import uuid
from pathlib import Path

import grpc

from jobqueue.entrypoints.proto.jobqueue_pb2 import NewJob, SubmitRequest
from jobqueue.entrypoints.proto.jobqueue_pb2_grpc import JobQueueStub

SERVICE_CONFIG = Path(__file__).parents[3] / "src" / "jobqueue" / "deploy" / "client-service-config.json"
DEADLINE_S = 20


class Caller:
    """Submits in the background for the length of a block.

    Attributes:
        ids: Jobs that a front has acknowledged.
        errors: Status of every call that failed after its retries.
    """

    def __init__(self, addresses, per_s):
        self.ids, self.errors = [], []
        self._target = "ipv4:" + ",".join(addresses)
        self._every_s = 1 / per_s
        self._calls = set()

    async def __aenter__(self):
        config = json.dumps(json.loads(SERVICE_CONFIG.read_text("utf-8")))
        options = [("grpc.service_config", config), ("grpc.enable_retries", 1)]
        self._channel = grpc.aio.insecure_channel(self._target, options=options)
        self._task = asyncio.create_task(self._submit_steadily())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*self._calls)
        await self._channel.close()

    async def _submit_steadily(self):
        loop, stub = asyncio.get_running_loop(), JobQueueStub(self._channel)
        due = loop.time()
        while True:
            call = asyncio.create_task(self._submit(stub))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            due += self._every_s
            await asyncio.sleep(max(0, due - loop.time()))

    async def _submit(self, stub):
        request = SubmitRequest(job=NewJob(type="noted", idempotency_key=uuid.uuid4().hex))
        try:
            answer = await stub.Submit(request, timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            self.errors.append(f"{error.code().name}: {error.details()}")
        else:
            self.ids.append(answer.id)
