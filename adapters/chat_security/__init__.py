"""Password hashes (argon2id, and bcrypt for imported ones) and JWT tokens (extra `security`)."""

try:
    from chat_security.passwords import Argon2Hasher, is_bcrypt
    from chat_security.tokens import JwtTokens
except ModuleNotFoundError as error:
    if error.name not in {"argon2", "bcrypt", "jwt"}:
        raise
    raise ImportError(
        f'chat_security needs {error.name}: pip install "chat-core[security]"', name=error.name
    ) from error

__all__ = ["Argon2Hasher", "JwtTokens", "is_bcrypt"]
