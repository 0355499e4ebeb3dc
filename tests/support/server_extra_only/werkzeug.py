"""Hides the package that tests need and the extra `server` lacks: importing it takes long."""

raise ModuleNotFoundError("No module named 'werkzeug'", name="werkzeug")
