"""A proxy between a client and its server that can be told to misbehave: cuts, torn replies, lost requests, stalls."""

import asyncio
import contextlib
import socket
import struct
import threading


class Proxy:
    """Listens on a loopback port and passes bytes on to a Unix socket or another port, from a thread of its own.

    What it is told applies to the connections that are open at that moment.
    """

    def __init__(self, target, rng):
        self._target, self._rng = target, rng
        self._links = {}  # task → how it is to end: "", "request" or "reply"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.connections = self.broken = 0

    def __enter__(self):
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def reset(self):
        """Reset each connection (TCP RST), as a load balancer does to one that was idle; return how many there were."""
        return self._do(self._reset())

    def cut(self, share=1.0):
        """Cut this share of the connections, now."""
        self._loop.call_soon_threadsafe(self._cut, share)

    def lose(self, what):
        """Cut each connection at its next "request", which then never arrives, or in the middle of its next "reply"."""
        self._loop.call_soon_threadsafe(lambda: self._links.update(dict.fromkeys(self._links, what)))

    def stall(self, delay_s):
        """Let nothing through, in either direction, for that many seconds."""
        self._loop.call_soon_threadsafe(self._hold, delay_s)

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _end(self):
        self._server.close()
        self._cut(1.0)
        while self._links:
            await asyncio.sleep(0.01)

    def _cut(self, share):
        for link in list(self._links):
            if self._rng.random() <= share:
                self.broken += 1
                link.cancel()

    async def _reset(self):
        links = list(self._links)
        for link in links:
            self.broken += 1
            # With a linger time of 0 the kernel sends RST at the close, and not FIN.
            link.accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.cancel()
        await asyncio.wait(links or [asyncio.create_task(asyncio.sleep(0))])
        return len(links)

    def _hold(self, delay_s):
        self._flowing().clear()
        self._loop.call_later(delay_s, self._flowing().set)

    def _flowing(self):
        if not hasattr(self, "_open"):
            self._open = asyncio.Event()
            self._open.set()
        return self._open

    async def _serve(self, reader, writer):
        self.connections += 1
        link = asyncio.current_task()
        self._links[link] = ""
        link.accepted = writer.get_extra_info("socket")
        ends, ways = [writer], []
        try:
            if isinstance(self._target, int):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            else:
                far_reader, far_writer = await asyncio.open_unix_connection(self._target)
            ends.append(far_writer)
            ways += [
                asyncio.ensure_future(self._pass_on(reader, far_writer, link, "request")),
                asyncio.ensure_future(self._pass_on(far_reader, writer, link, "reply")),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass  # the server is away, or the connection is cut
        finally:
            del self._links[link]
            for way in ways:
                way.cancel()
            for end in ends:
                end.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(self, reader, writer, link, what):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing().wait()
                if self._links.get(link) == what:
                    self.broken += 1
                    if what == "reply":
                        writer.write(data[: len(data) // 2])
                        await writer.drain()
                    return
                writer.write(data)
                await writer.drain()
