"""What redis-py does by itself when a connection breaks before the reply to a command."""

import asyncio

import redis.exceptions
from redis.asyncio import Redis


async def counted_by_one_incr() -> int:
    """Call `incr` once, on a server that counts and loses its first reply; return what the server has counted."""
    counted = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal counted
        while header := await reader.readline():
            words = [await _bulk_string(reader) for _ in range(int(header[1:]))]
            if words[0].startswith(b"INCR"):
                counted += 1
                if counted == 1:
                    break  # counted, and the connection is gone before the reply
            writer.write(f":{counted}\r\n".encode() if words[0].startswith(b"INCR") else b"+OK\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Redis(port=port, protocol=2)
    try:
        await client.incr("jobs")
    except redis.exceptions.ConnectionError:
        pass  # what a client does that is told not to retry
    finally:
        await client.aclose()
        server.close()
    return counted


async def _bulk_string(reader: asyncio.StreamReader) -> bytes:
    await reader.readline()  # its length
    return (await reader.readline()).strip()
