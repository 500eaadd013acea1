"""`ondemand why`: an explanation as text."""

from __future__ import annotations

from ondemand.cli import printing
from ondemand.explaining import Why

__all__ = ["say_why"]


def say_why(why: Why) -> None:
    """One sentence, then what it comes from."""
    colour = {"snapshot": "green", "nothing": "red", "on demand": "yellow"}.get(why.answer, "cyan")
    printing.say(why.sentence, style=f"bold {colour}")
    printing.facts(why.facts())
