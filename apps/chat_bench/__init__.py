"""A load tool that knows a chat server by its wire alone (extra `bench`)."""
