"""The command line: thin commands around functions that are useful without them."""

from __future__ import annotations

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 the site has faults, 2 the command line or the
    configuration is wrong, 3 the app could not be imported."""
    from ondemand.cli.commands import run

    return run(arguments)
