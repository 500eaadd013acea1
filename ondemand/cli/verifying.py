"""`verify`: a live host against the published manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ondemand.cli import printing
from ondemand.errors import ConfigError
from ondemand.prerendering.host import checked_url
from ondemand.prerendering.verify import VerifyReport, read_expected, unknown_path, verify
from ondemand.snapshots.store import Store

__all__ = ["run_verify"]


def run_verify(
    target: str, url: str, *, concurrency: int, timeout: float, headers: Sequence[str], quiet: bool
) -> tuple[VerifyReport, bool]:
    """Compare the host at `url` with what the app published. quiet: print nothing. Returns the report, and whether Ctrl+C
    ended it before all was checked. Raises as `read_expected` and `verify` do, `ConfigError` for a header that is none."""
    checked_url(url)  # before the app is started
    pairs = [_header(text) for text in headers]
    unknown = unknown_path()
    report = VerifyReport(url, "")
    expected = read_expected(target, unknown)
    with printing.VerifyProgress(quiet=quiet) as progress:

        def tell(so_far: VerifyReport) -> None:
            nonlocal report
            report = so_far
            progress.tell(so_far)

        try:
            store = Store(Path(expected.dist))
            done = verify(
                store,
                url,
                expected=expected,
                concurrency=concurrency,
                timeout=timeout,
                headers=pairs,
                unknown=unknown,
                progress=tell,
            )
        except KeyboardInterrupt:
            return report, True
    return done, False


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ConfigError(f'--header {text!r} is no header. Write --header "Name: value".')
    return name.strip(), value.strip()
