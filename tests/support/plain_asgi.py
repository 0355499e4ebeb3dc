"""The service as any ASGI server serves it: `create_app`, and none of `chat-server run`."""

import os
import signal
import sys

import uvicorn

if __name__ == "__main__":
    # Uvicorn raises the signal once more when it has stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        "chat_server.asgi:create_app",
        factory=True,
        port=int(os.environ["PORT"]),
        timeout_graceful_shutdown=5,
    )
