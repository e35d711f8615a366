"""The command line: `twin-gym --help`."""

from twin_gym.cli.app import app

__all__ = ["app"]
