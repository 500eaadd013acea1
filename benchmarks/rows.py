"""The twenty rows of the counter's page. `peers/astro/ssr/pages/counter.astro` says the same in JavaScript."""

from __future__ import annotations

__all__ = ["ROWS"]

ROWS = [(number, f"Lantern & rope {number}", f"{number * 3}.50") for number in range(20)]
"""Number, name (which has to be escaped) and price of each."""
