"""How a site runs: with snapshots or without, for visitors or for its developer; and the line at start that says so."""

from __future__ import annotations

import logging
import os
import sys

from ondemand.config import Config
from ondemand.errors import ConfigError

__all__ = ["DEVELOPING", "is_debug", "is_developed", "say", "use_snapshots"]

log = logging.getLogger("ondemand")

DEVELOPING = "ONDEMAND_DEV"
"""The environment variable that `ondemand dev` sets for the processes it starts: its own process id, a space, and the app."""


def is_developed() -> bool:
    """True in a process that `ondemand dev` started itself. No request can make it so, and no environment that was copied from
    one machine or process to another: it names the parent."""
    return os.environ.get(DEVELOPING, "").partition(" ")[0] == str(os.getppid())


def is_debug(config: Config, *, debugged: bool) -> bool:
    """True where who asks may see what failed: `debug`, else `ondemand dev`, FASTAPI_ENV=development and apps in debug mode
    (debugged)."""
    if config.debug != "auto":
        return config.debug
    if is_developed() or os.environ.get("FASTAPI_ENV") == "development":
        return True
    return debugged


def use_snapshots(config: Config, *, debugged: bool, developed: bool = False) -> tuple[bool, str]:
    """Whether to answer from snapshots, and why not. debugged: the app is in debug mode. developed: under `ondemand dev`."""
    override = os.environ.get("ONDEMAND_SNAPSHOTS")
    if override:
        if override.lower() not in {"0", "1", "true", "false", "on", "off"}:
            raise ConfigError(f"ONDEMAND_SNAPSHOTS={override!r} is not accepted. It takes 1 or 0.")
        return override.lower() in {"1", "true", "on"}, f"ONDEMAND_SNAPSHOTS={override}"
    if config.snapshots != "auto":
        return config.snapshots, "snapshots=False"
    if developed:
        return False, "ondemand dev"
    if os.environ.get("FASTAPI_ENV") == "development":
        return False, "FASTAPI_ENV=development"
    if debugged:
        return False, "the app is in debug mode"
    if "pytest" in sys.modules:
        return False, "this is a test; snapshots=True turns them on"
    return True, ""


def say(message: str) -> None:
    """The one line at start: through our own logger, or, where nothing would show it, the server's."""
    target = log
    if not log.isEnabledFor(logging.INFO) or not log.hasHandlers():
        for name in ("uvicorn.error", "hypercorn.error", "_granian"):
            known = logging.getLogger(name)
            if known.hasHandlers() and known.isEnabledFor(logging.INFO):
                target = known
                break
    target.info("ondemand: %s", message)
