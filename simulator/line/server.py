"""The simulator as a server: LINE's API, the control API and the phone page, on one port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import mimetypes
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from aiohttp import web

from core.errors import BadInput
from simulator.line.answers import Answer, Request
from simulator.line.control import PREFIX, Control
from simulator.line.options import SimulatorOptions
from simulator.line.phones import Phones
from simulator.line.platform import Platform
from simulator.line.state import SimulatorState
from simulator.line.webhooks import Webhooks

log = structlog.get_logger(__name__)

STATIC = Path(__file__).parent / "static"
# The largest upload of a phone; LINE allows videos of 200 MB, which a trial does not need.
_MAX_UPLOAD = 64 * 1024 * 1024
_BOT_USER_ID = "U" + "b07" * 10 + "b0"
_PING_SECONDS = 15.0
_HANG_LOOK_SECONDS = 0.2
_PAGE_POLICY = (
    "default-src 'self'; img-src * data: blob:; media-src * data: blob:; "
    "style-src 'self' 'unsafe-inline'; frame-src *; base-uri 'none'; form-action 'none'"
)


class Simulator(SimulatorState):
    """A LINE Platform of one channel.

    Use it as a context manager (``async with Simulator(options) as simulator``); inside,
    ``url`` is the address of both the API and the data API.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        super().__init__(options)
        self.port = 0
        self._control = Control(self)
        self._runner: web.ServerRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._changed = asyncio.Event()
        self._streams: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """``http://host:port`` once started."""
        host = self.options.host
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
        return f"http://{shown}:{self.port}"

    async def wait_until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until a condition about the ledger or a chat is true.

        Raises
        ------
        TimeoutError
            When it is not within ``timeout`` seconds.
        """
        async with asyncio.timeout(timeout):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def start(self) -> None:
        """Open the port.

        Raises
        ------
        BadInput
            When the port is taken or the map cannot be read.
        """
        options = self.options
        if options.map_file is not None:
            self.map_geojson = await asyncio.to_thread(_read_map, options.map_file)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200), trust_env=False
        )
        self.webhooks = Webhooks(
            session=self._session,
            time=self.time,
            faults=self._faults,
            destination=_BOT_USER_ID,
            secret=options.channel_secret,
            url=options.webhook_url,
            timeout=options.webhook_timeout,
            redelivery=options.redelivery,
            delays=options.redelivery_delays,
        )
        self.phones = Phones(
            users=self.users,
            webhooks=self.webhooks,
            rich_menus=self.rich_menus,
            time=self.time,
            reply_token_seconds=options.reply_token_seconds,
        )
        self.platform = Platform(
            options=options,
            users=self.users,
            phones=self.phones,
            webhooks=self.webhooks,
            rich_menus=self.rich_menus,
            ledger=self.ledger,
            limiter=self.limiter,
            faults=self._faults,
            time=self.time,
        )
        self._runner = web.ServerRunner(
            web.Server(self._handle, request_factory=_make_request, access_log=None)
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, options.host, options.port, backlog=2048)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            raise BadInput(
                f"{options.host}:{options.port} cannot be used: {error.strerror or error}"
            ) from error
        self.port = self._runner.addresses[0][1]
        log.info("simulator.started", url=self.url)

    async def stop(self) -> None:
        """Close the port and drop pending webhooks."""
        for stream in self._streams:
            stream.cancel()
        await self.webhooks.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith(("/v2/", "/oauth2/")):
            return await self._line(request)
        if path == f"{PREFIX}stream":
            return await self._stream(request)
        if path.startswith(PREFIX):
            answer = await self._control.handle(await _read(request))
            self._changed.set()
            return _response(answer)
        return await self._page(request)

    async def _line(self, request: web.BaseRequest) -> web.StreamResponse:
        read = await _read(request)
        found = self.platform.handle(read)
        answer = found if isinstance(found, Answer) else await found
        self._changed.set()
        if answer.delay:
            await self.time.sleep(answer.delay)
        if answer.hang:
            await self._hang(request)
        if answer.drop or answer.hang:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if answer.bytes_per_second:
            return await self._slowly(request, answer, answer.bytes_per_second)
        return _response(answer)

    async def _hang(self, request: web.BaseRequest) -> None:
        """Send nothing until the client has gone or the simulator stops."""
        task = asyncio.current_task()
        if task is not None:
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        while True:
            transport = request.transport
            if transport is None or transport.is_closing():
                return
            await asyncio.sleep(_HANG_LOOK_SECONDS)

    async def _slowly(
        self, request: web.BaseRequest, answer: Answer, bytes_per_second: float
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            status=answer.status,
            headers={**answer.headers, "Content-Length": str(len(answer.body))},
        )
        response.content_type = answer.content_type
        await response.prepare(request)
        step = max(1, int(bytes_per_second / 10))
        for start in range(0, len(answer.body), step):
            part = answer.body[start : start + step]
            await self.time.sleep(len(part) / bytes_per_second)
            await response.write(part)
        await response.write_eof()
        return response

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        """Changes as server-sent events; ``?user=`` (repeated) chooses whose chats."""
        wanted = set(request.rel_url.query.getall("user", []))
        queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1_000)

        def listener(user_id: str, kind: str, data: dict[str, object]) -> None:
            if kind not in ("user", "reset") and wanted and user_id and user_id not in wanted:
                return
            if kind == "sent" and wanted:  # how many requests came is no change of a chat
                return
            content = json.dumps({"userId": user_id, "data": data}, ensure_ascii=False)
            # A page that misses a thousand changes reloads itself.
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(f"event: {kind}\ndata: {content}\n\n".encode())

        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        await response.write(b"event: ready\ndata: {}\n\n")
        stop = self.users.listen(listener)
        task = asyncio.current_task()
        if task is not None:
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        try:
            while True:
                try:
                    async with asyncio.timeout(_PING_SECONDS):
                        change = await queue.get()
                except TimeoutError:
                    change = b": still here\n\n"
                await response.write(change)
        except ConnectionError:
            return response
        finally:
            stop()

    async def _page(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405)
        name = request.path.lstrip("/") or "index.html"
        file = (STATIC / name).resolve()
        if not file.is_relative_to(STATIC) or not file.is_file():
            return web.Response(status=404, text="There is nothing here.")
        body = await asyncio.to_thread(file.read_bytes)
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        response = web.Response(body=body)
        response.content_type = content_type
        if content_type.startswith("text/"):
            response.charset = "utf-8"
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _read_map(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        collection = json.loads(content)
    except (OSError, ValueError) as error:
        raise BadInput(f"The map {file} cannot be read: {error}") from error
    if not isinstance(collection, dict) or not isinstance(collection.get("features"), list):
        raise BadInput(f"The map {file} is not a GeoJSON feature collection.")
    return content


def _make_request(
    message: aiohttp.http_parser.RawRequestMessage,
    payload: aiohttp.streams.StreamReader,
    protocol: web.RequestHandler,
    writer: aiohttp.abc.AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,
        task,
        asyncio.get_running_loop(),
        client_max_size=_MAX_UPLOAD,
    )


async def _read(request: web.BaseRequest) -> Request:
    return Request(
        request.method, request.path, request.query, request.headers, await request.read()
    )


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    response.content_type = answer.content_type
    return response


async def _serve(options: SimulatorOptions, on_ready: Callable[[str], None] | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with Simulator(options) as simulator:
        if on_ready is not None:
            on_ready(simulator.url)
        await stopped.wait()


def run(options: SimulatorOptions, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    on_ready
        Called with the address once the port is open.
    """
    try:
        import uvloop
    except ImportError:  # it does not exist on Windows
        asyncio.run(_serve(options, on_ready))
    else:
        uvloop.run(_serve(options, on_ready))
