"""Services: one frozen dataclass per capability, whose fields are ports and settings."""
