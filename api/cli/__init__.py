"""The command line: what its commands take. What they do is in `api.command`."""

from api.cli.app import app, main

__all__ = ["app", "main"]
