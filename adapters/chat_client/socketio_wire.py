"""A wire over Socket.IO, with the official Python client."""

import asyncio

try:
    import socketio
    from socketio.exceptions import ConnectionError as SocketIoConnectionError
    from socketio.exceptions import SocketIOError
    from socketio.exceptions import TimeoutError as SocketIoTimeoutError
except ModuleNotFoundError as error:
    raise ImportError(
        'SocketIoWire needs the extra "client": pip install "chat-core[client]"', name=error.name
    ) from error

from chat_client.wire import Disconnected, Json, Listener, Wire

ACK_SECONDS = 20


class SocketIoWire(Wire):
    """A websocket to a server's URL. It does not reconnect by itself."""

    def __init__(self, url: str, *, transports: tuple[str, ...] = ("websocket",)) -> None:
        self._url = url
        self._transports = list(transports)
        self._client: socketio.AsyncClient | None = None
        self._gone = asyncio.Event()
        """Set after the connection has ended, to wake calls that wait for an ack."""

    async def connect(self, auth: Json, listener: Listener) -> None:
        """See `Wire.connect`."""
        await self.close()
        # The program handles signals itself.
        client = self._client = socketio.AsyncClient(reconnection=False, handle_sigint=False)

        gone = self._gone = asyncio.Event()

        def heard(event: str, *arguments: object) -> None:
            if self._client is client:
                listener.pushed(event, *arguments)

        def ended() -> None:
            gone.set()
            if self._client is client:
                self._client = None
                listener.ended()

        client.on("*", heard)
        client.on("disconnect", ended)
        try:
            await client.connect(self._url, auth=auth, transports=self._transports)
        except SocketIoConnectionError as error:
            self._client = None
            if client.eio.http is not None:  # the library leaves this open
                await client.eio.http.close()
            raise Disconnected(str(error)) from error

    async def call(self, event: str, payload: Json) -> Json:
        """See `Wire.call`."""
        client = self._client
        if client is None or not client.connected:
            raise Disconnected
        asking = asyncio.ensure_future(client.call(event, payload, timeout=ACK_SECONDS))
        ending = asyncio.ensure_future(self._gone.wait())
        try:
            # The library would go on waiting for an ack that can no longer come.
            await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Disconnected
            ack: Json = asking.result()
        except (SocketIoTimeoutError, SocketIOError) as error:
            raise Disconnected(str(error)) from error
        finally:
            asking.cancel()
            ending.cancel()
        return ack

    async def close(self) -> None:
        """See `Wire.close`."""
        client, self._client = self._client, None
        self._gone.set()
        if client is not None:
            await client.disconnect()
