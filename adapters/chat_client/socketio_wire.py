"""A wire over Socket.IO, by the official Python client."""

from typing import Any

try:
    import socketio
    from socketio.exceptions import ConnectionError as SocketIoConnectionError
    from socketio.exceptions import SocketIOError
    from socketio.exceptions import TimeoutError as SocketIoTimeoutError
except ModuleNotFoundError as error:
    raise ImportError(
        'SocketIoWire needs an extra: pip install "chat-core[client]"', name=error.name
    ) from error

from chat_client.wire import Disconnected, Json, Listener, Wire

ACK_SECONDS = 20


class SocketIoWire(Wire):
    """A websocket to a server's URL; it does not reconnect by itself."""

    def __init__(self, url: str, *, transports: tuple[str, ...] = ("websocket",)) -> None:
        self._url = url
        self._transports = list(transports)
        self._client: socketio.AsyncClient | None = None

    async def connect(self, auth: Json, listener: Listener) -> None:
        """See `Wire.connect`."""
        await self.close()
        client = self._client = socketio.AsyncClient(reconnection=False)

        def heard(event: str, data: Any) -> None:  # noqa: ANN401
            if self._client is client and isinstance(data, dict):
                listener.heard(event, data)

        def ended() -> None:
            if self._client is client:
                self._client = None
                listener.ended()

        client.on("*", heard)
        client.on("disconnect", ended)
        try:
            await client.connect(self._url, auth=auth, transports=self._transports)
        except SocketIoConnectionError as error:
            self._client = None
            if client.eio.http is not None:  # which the library leaves open
                await client.eio.http.close()
            raise Disconnected(str(error)) from error

    async def call(self, event: str, payload: Json) -> Json:
        """See `Wire.call`."""
        client = self._client
        if client is None or not client.connected:
            raise Disconnected
        try:
            ack: Json = await client.call(event, payload, timeout=ACK_SECONDS)
        except (SocketIoTimeoutError, SocketIOError) as error:
            raise Disconnected(str(error)) from error
        return ack

    async def close(self) -> None:
        """See `Wire.close`."""
        client, self._client = self._client, None
        if client is not None:
            await client.disconnect()
