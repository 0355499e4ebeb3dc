"""The web client: its page at the path of each screen, and its files under `/assets`."""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.params import FromPath
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from chat_core.errors import NotFound

PAGE = "index.html"
ASSETS = "assets"
SCREENS = (
    "/",
    "/log-in",
    "/register",
    "/new",
    "/settings",
    "/settings/devices",
    "/chat/{_id:str}",
    "/chat/{_id:str}/details",
)
"""Paths of the client's screens; each serves the page, so that links to a screen work."""

ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""Content encodings of the built files and the file endings for them, in order of preference."""

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # Text never becomes markup: the client needs no policy that would allow it.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"


@dataclass(frozen=True, slots=True)
class File:
    """A file of the client and its compressed versions by encoding."""

    content: bytes
    media_type: str
    compressed: Mapping[str, bytes]

    @property
    def tag(self) -> str:
        """Return the entity tag, which changes with the content."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


def built_client() -> Traversable | None:
    """Return the folder of the built client, in the package or in the checkout, or None."""
    package = files("chat_server")
    places: list[Traversable] = [package / "web"]
    if isinstance(package, Path):
        places.append(package.parent / "chat_web" / "dist")
    return next((place for place in places if (place / PAGE).is_file()), None)


def web_client(built: Traversable | None) -> Router:
    """Return the routes for the client in that folder.

    If `built` is None, they serve a page that explains how to build the client.
    """
    page = File(_NOT_BUILT.encode(), "text/html", {}) if built is None else _file(built, PAGE)
    assets = {} if built is None else _files(built / ASSETS)

    @get(list(SCREENS), media_type=MediaType.HTML, summary="The web client", sync_to_thread=False)
    def show_page(request: Request[Any, Any, Any]) -> Response[bytes]:
        if request.headers.get("If-None-Match") == page.tag:
            # These headers replace those that the browser stored with the page.
            headers = {**_HEADERS, **_cached_as(page.tag)}
            return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers)
        return _response(page, request, _cached_as(page.tag))

    @get("/assets/{name:str}", summary="A file of the web client", sync_to_thread=False)
    def show_asset(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
        if name not in assets:
            raise NotFound
        return _response(assets[name], request, {"Cache-Control": _FOR_EVER})

    return Router("/", route_handlers=[show_page, show_asset], include_in_schema=False)


def _cached_as(tag: str) -> dict[str, str]:
    return {"Cache-Control": _ASK_EACH_TIME, "ETag": tag}


def _response(
    file: File, request: Request[Any, Any, Any], headers: Mapping[str, str]
) -> Response[bytes]:
    accepted = request.headers.get("Accept-Encoding", "")
    encoding = _first_accepted(file.compressed, accepted)
    content = file.content if encoding is None else file.compressed[encoding]
    also = {} if encoding is None else {"Content-Encoding": encoding}
    return Response(content, media_type=file.media_type, headers={**_HEADERS, **headers, **also})


def _first_accepted(offered: Iterable[str], accepted: str) -> str | None:
    names = {each.partition(";")[0].strip() for each in accepted.split(",")}
    return next((encoding for encoding in offered if encoding in names), None)


def _files(folder: Traversable) -> dict[str, File]:
    endings = tuple(ENCODINGS.values())
    names = (each.name for each in folder.iterdir() if not each.name.endswith(endings))
    return {name: _file(folder, name) for name in names}


def _file(folder: Traversable, name: str) -> File:
    compressed = {
        encoding: (folder / f"{name}{ending}").read_bytes()
        for encoding, ending in ENCODINGS.items()
        if (folder / f"{name}{ending}").is_file()
    }
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File((folder / name).read_bytes(), media_type, compressed)


_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>chat-core</title>
<h1>chat-core is running</h1>
<p>The API of the chat service is here. Its web client is not: it has not been built.</p>
<p>Building it takes <a href="https://nodejs.org">Node</a> 20 or later. In the folder of the
project, <code>make web</code> builds it; then start the service again.</p>
<ul>
<li><a href="/schema">/schema</a>: the HTTP API as an OpenAPI document</li>
<li><a href="/health/ready">/health/ready</a>: whether it can serve</li>
<li>/socket.io: the live connection, for any Socket.IO client of version 4</li>
</ul>
</html>
"""
