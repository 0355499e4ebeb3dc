"""The framework's OpenAPI document, completed with this project's errors and public routes."""

from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute

from chat_server.http.authentication import PUBLIC
from chat_server.http.problems import MEDIA_TYPE
from chat_wire import encode
from chat_wire.problems import Problem

REFERENCE = "#/components/schemas/{name}"
FRAMEWORK_ERROR = "400"
"""Status under which the framework documents its own errors; `exception_handlers` replaces them."""


class SchemaDocument(JsonRenderPlugin):
    """Serves the document as JSON and caches it after the first request."""

    _text: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """See Litestar."""
        if self._text is None:
            self._text = self._rendered(request, openapi_schema)
        return self._text

    @staticmethod
    def _rendered(request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        _, components = msgspec.json.schema_components((Problem,), ref_template=REFERENCE)
        openapi_schema["components"]["schemas"].update(components)
        public = _public_operations(request.app)
        for path, operations in openapi_schema["paths"].items():
            for method, operation in operations.items():
                operation["responses"].pop(FRAMEWORK_ERROR, None)
                operation["responses"]["default"] = _PROBLEM
                if (method.upper(), path) in public:
                    operation["security"] = []
        return encode(openapi_schema)


_PROBLEM = {
    "description": "The error; programs check its `code`",
    "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(name=Problem.__name__)}}},
}


def _public_operations(app: Litestar) -> set[tuple[str, str]]:
    return {
        (str(method), route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.opt.get(PUBLIC)
        for method in handler.http_methods
    }
