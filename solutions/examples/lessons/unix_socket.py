import asyncio
import tempfile

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


# --8<-- [start:unix-socket]
async def check() -> int:
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix:{folder}/test.sock"
        server = grpc.aio.server()
        servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        server.add_insecure_port(address)
        await server.start()
        async with grpc.aio.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest())
        await server.stop(None)
    return answer.status


# --8<-- [end:unix-socket]

print(health_pb2.HealthCheckResponse.ServingStatus.Name(asyncio.run(check())))
