"""Write the table of docs/frameworks.md anew."""

from tests.frameworks.table import DOCUMENT, written

DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), encoding="utf-8")
