"""Ports: what the services need of the outside. A port's docstring is its contract.

Every sentence of a contract is one test of the suites in `chat_core.testing`, which every adapter
runs, the in-memory ones included.
"""
