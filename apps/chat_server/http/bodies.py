"""Request bodies, decoded by the types of the wire: strictly, nothing is coerced."""

from typing import Any, TypeVar

from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO
from litestar.dto._backend import DTOBackend
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from chat_wire import decode
from chat_wire.requests import Request

T = TypeVar("T", bound=Request)


class Body(AbstractDTO[T]):
    """The `dto` of a handler whose `data` is one of `chat_wire.requests`."""

    def decode_bytes(self, value: bytes) -> Any:  # noqa: ANN401
        """The body as the handler's type. Raises `Malformed`, `Invalid`."""
        return decode(value, self.model_type)

    @classmethod
    def create_for_field_definition(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,
        backend_cls: type[DTOBackend] | None = None,
    ) -> None:
        """Nothing to prepare: the type decodes itself."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - its base's
        schema_creator: SchemaCreator,
    ) -> Reference | Schema:
        """The schema of the type itself."""
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:  # noqa: ANN401, ARG003
        """Unused: no transfer model is generated."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003
        """Unused: no transfer model is generated."""
        return False
