"""Checks whether the service on this machine or in this container is ready: exit code 0 or 1.

python -m chat_server.healthcheck
"""

import http.client
import os
import sys

SECONDS = 4.0


def main() -> int:
    """Print what is wrong, and return the exit code. Reads `PORT`, as the service does."""
    port = int(os.environ.get("PORT") or "5000")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        text = answer.read().decode()
    except OSError as error:
        sys.stderr.write(f"nothing answers on port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{text}\n")
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
