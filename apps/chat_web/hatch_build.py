"""Puts the built web client into the wheel, where `chat_server` looks for it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebClient(BuildHookInterface[Any]):
    """Without a built client the wheel has none, and the service says how to build it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See Hatchling."""
        built = Path(self.root) / "apps" / "chat_web" / "dist"
        if version == "standard" and built.is_dir():
            build_data["force_include"][str(built)] = "chat_server/web"
