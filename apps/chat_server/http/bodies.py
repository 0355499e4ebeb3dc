"""Request bodies, which must be declared as JSON and are decoded strictly by the wire's types."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO
from litestar.dto._backend import DTOBackend
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from chat_core.errors import UnsupportedMediaType
from chat_wire import decode
from chat_wire.requests import Request

T = TypeVar("T", bound=Request)

TYPE, LENGTH, CODING = b"content-type", b"content-length", b"transfer-encoding"
JSON = b"application/json"
_ANY_JSON = re.compile(
    rb"(application/json|[\w!#$&^.+-]+/[\w!#$&^.+-]+\+json)[ \t]*(;.*)?", re.IGNORECASE
)


def check_content_type(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise `UnsupportedMediaType` if the request has a body that is not declared as JSON.

    A page of another origin can send bodies of a few other types without a CORS preflight.
    """
    declared, has_body = b"", False
    for name, value in headers:
        if name == TYPE:
            declared = value
        elif (name == LENGTH and value != b"0") or name == CODING:
            has_body = True
    if has_body and declared != JSON and not _ANY_JSON.fullmatch(declared):
        raise UnsupportedMediaType


class RequestBody(AbstractDTO[T]):
    """The `dto` of a handler whose `data` is one of the types in `chat_wire.requests`."""

    def decode_bytes(self, value: bytes) -> Any:  # noqa: ANN401
        """Return the body as the handler's type. Raises `Malformed` or `Invalid`."""
        return decode(value, self.model_type)

    @classmethod
    def create_for_field_definition(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,
        backend_cls: type[DTOBackend] | None = None,
    ) -> None:
        """Do nothing, because the type decodes itself."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - the base class's signature
        schema_creator: SchemaCreator,
    ) -> Reference | Schema:
        """Return the schema of the type itself."""
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:  # noqa: ANN401, ARG003
        """Yield nothing, because no transfer model is generated."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003
        """Return False, because no transfer model is generated."""
        return False
