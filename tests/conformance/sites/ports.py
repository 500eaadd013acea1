"""The ports of the sites: which of a site's files each has, and how it is served.

`ported/NAME/` is sites/NAME of the data as a project of its own. Beside each other lie

    src/pages/blog/[slug].astro     ported/NAME/pages/blog/[slug].mako
    src/pages/api/user.ts           ported/NAME/pages/api/user.py
    src/components/Wait.astro       ported/NAME/components/Wait.mako
    src/middleware.ts               ported/NAME/middleware.py
    astro.config.mjs                ported/NAME/pyproject.toml
    public/                         the folder of the data itself

and `main.py` is the app. What is a function of an app here, is registered under the name of its file: see `porting.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests.conformance.cases import DATA, Case
from tests.conformance.sites import proxy, server, server_in_code
from tests.conformance.sites.serving import built, served

__all__ = ["PORTS", "Port"]

PORTED = Path(__file__).parent / "ported"

SUFFIXES = {".mako": ".astro", ".py": ".ts", ".md": ".md"}


@dataclass(frozen=True)
class Port:
    """name: of the port. site: in the data. files: those of the site that it has. serve: gives its port of 127.0.0.1. wraps:
    True for routes of an app that is wrapped, False for pages of our own."""

    name: str
    site: str
    files: frozenset[str]
    serve: Callable[[], AbstractContextManager[int]]
    wraps: bool = False

    def has(self, case: Case) -> bool:
        """True if it has every file that a case needs. A component belongs to its page."""
        files = [str(file) for file in case.data["site_pages"]]
        return case.site == self.site and all(
            file in self.files or file.startswith("src/components/") for file in files
        )


def of_folder(folder: Path) -> Port:
    """Built, and served with its snapshots."""
    public = DATA / "sites" / folder.name / "public"
    files = frozenset(_files(folder, public))
    return Port(f"{folder.name} in page files", folder.name, files, lambda: built(folder, public))


def _files(folder: Path, public: Path) -> Iterator[str]:
    for file in (folder / "pages").rglob("*"):
        if file.suffix in SUFFIXES and "__pycache__" not in file.parts:
            name = file.relative_to(folder).as_posix()
            yield f"src/{name.removesuffix(file.suffix)}{SUFFIXES[file.suffix]}"
    if (folder / "middleware.py").is_file():
        yield "src/middleware.ts"
    for file in public.rglob("*"):
        yield f"public/{file.relative_to(public).as_posix()}"


def of_module(site: str, module: ModuleType, *, wraps: bool) -> Port:
    name = module.__name__
    short = f"{name.rpartition('.')[2]}.py"
    return Port(short, site, frozenset(module.FILES), lambda: served(f"{name}:app"), wraps)


PORTS = [
    *(of_folder(folder) for folder in sorted(PORTED.iterdir()) if (folder / "main.py").is_file()),
    of_module("server", server, wraps=True),
    of_module("server", server_in_code, wraps=False),
    of_module("proxy", proxy, wraps=True),
]
