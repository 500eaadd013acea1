"""On PYTHONPATH, this hides brotli and zstd from a process and its children, so that a build has gzip alone."""

import sys

for name in ("brotli", "backports.zstd", "compression.zstd"):
    sys.modules[name] = None  # type: ignore[assignment]  # an import of it raises ModuleNotFoundError
