"""A load tool that uses a chat server only through its wire protocol (extra `bench`)."""
