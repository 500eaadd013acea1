"""Sites of page files: those of a case under our names, in a folder, with the case's settings, to be asked or built."""

from __future__ import annotations

import html
import json
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ondemand import BuildError, OnDemand, OnDemandError, OnDemandWarning, Pages, build
from tests.conformance.decisions import Waiting
from tests.conformance.meanings import of_ours
from tests.conformance.values import Unreadable
from tests.conformance.vectors.pagination import pattern_of

__all__ = ["SETTINGS", "built", "endpoint", "our_name", "page", "said", "settings_of", "site", "written"]

SUFFIXES = {".astro": ".mako", ".ts": ".py", ".js": ".py", ".md": ".md"}
"""What a file is called in Astro -> with us."""

SETTINGS = {"output": "output", "base": "base", "trailingSlash": "trailing_slash", "site": "site"}
"""Astro's name of a setting -> ours."""


def our_name(file: str) -> str:
    """`blog/[slug].astro` as we call it: `blog/[slug].mako`."""
    path = Path(file)
    if path.suffix not in SUFFIXES:
        raise Unreadable(f"no page is a {path.suffix or path.name} file here")
    return file.removesuffix(path.suffix) + SUFFIXES[path.suffix]


def route_of(pattern: str) -> str:
    """`page.route_pattern` in Astro's spelling: `/blog/[slug]`."""
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: f"[{'...' if found[2] else ''}{found[1]}]", pattern)


def settings_of(config: Mapping[str, Any], *, passes_unknown: bool = False) -> dict[str, Any]:
    """Astro's settings as ours. One that we do not have is `Unreadable`, or passed as it is."""
    known: dict[str, Any] = {}
    for name, value in config.items():
        if name in SETTINGS:
            known[SETTINGS[name]] = value
        elif name == "build" and set(value) == {"format"}:
            known["build_format"] = value["format"]
        elif name == "redirects":
            known["redirects"] = {pattern_of(source): destination(target) for source, target in value.items()}
        elif name == "i18n":
            known["locales"] = locales_of(value)
        elif passes_unknown:
            known[name] = value
        else:
            raise Unreadable(f"no setting is called {name} here")
    return known


def destination(target: Any) -> Any:
    if isinstance(target, Mapping):
        return {**target, "destination": pattern_of(target["destination"])}
    return pattern_of(target)


def locales_of(i18n: Mapping[str, Any]) -> list[Any]:
    """Its locales; with us the first is the default, so that it is named by being there."""
    if missing := set(i18n) - {"defaultLocale", "locales"}:
        raise Waiting(f"a setting for i18n.{min(missing)}")
    first, codes = i18n["defaultLocale"], i18n["locales"]
    default = next((one for one in codes if first in (one, one["path"] if isinstance(one, dict) else None)), first)
    return [default, *(one for one in codes if one is not default)]


# --- pages that say what they see -------------------------------------------------------------------------------------


def literals(file: str, attributes: Mapping[str, Any]) -> str:
    """The attributes of the module of a page file, which knows its own name."""
    return "\n".join(f"{name} = {value!r}" for name, value in {"file": file, **attributes}.items())


SEEN = 'json.dumps({"file": file, "route": page.route_pattern, "params": dict(page.params)})'


def page(file: str, attributes: Mapping[str, Any], code: str = "") -> str:
    """A page. code: more of its module, such as `frontmatter`."""
    return f"<%!\nimport json\n{literals(file, attributes)}\n{code}\n%><!DOCTYPE html><pre>${{{SEEN}}}</pre>"


def endpoint(file: str, attributes: Mapping[str, Any], methods: tuple[str, ...] = ("GET",), gives: str = SEEN) -> str:
    """An endpoint module. gives: what each of its methods returns."""
    functions = [f"\n\ndef {method}(page):\n    return {gives}\n" for method in methods]
    return f"import json\n\nfrom ondemand import Response\n\n{literals(file, attributes)}\n{''.join(functions)}"


def said(text: str) -> dict[str, Any] | None:
    """What `page` or `endpoint` told; None for any other text. A param that is not there is null."""
    found = re.fullmatch("<!DOCTYPE html><pre>(.*)</pre>", text, re.DOTALL)
    try:
        told = json.loads(html.unescape(found[1]) if found else text)
        names = re.findall(r"\[(?:\.\.\.)?(\w+)\]", told["file"])
        return {
            "file": told["file"],
            "route": route_of(told["route"]),
            "params": {name: told["params"].pop(name, None) for name in names} | told["params"],
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


# --- sites ------------------------------------------------------------------------------------------------------------


def site(folder: Path, files: Mapping[str, str], settings: Mapping[str, Any]) -> OnDemand:
    """The site of `files`: paths below `folder` such as pages/about.mako and templates/A.mako, and their texts."""
    for name in ("pages", "templates"):
        (folder / name).mkdir()
    for name, text in files.items():
        if ".." in name.split("/"):
            raise Unreadable(f"{name} lies outside of the site")
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OnDemandWarning)
        return OnDemand(pages=Pages(folder / "pages"), templates=folder / "templates", dist=folder / "dist", **settings)


Reader = Callable[[str, bytes], dict[str, Any] | None]


def built(files: Mapping[str, str], settings: Mapping[str, Any], read: Reader) -> dict[str, Any]:
    """What a build of the site writes, each file as `read` tells of its name and content (None: not at all), or what its
    first fault means."""
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore", OnDemandWarning)
        folder = Path(name)
        try:
            report = build(site(folder, files, settings))
        except BuildError as error:
            faults = [one for one in error.report.findings if one.policy == "fail"]
            return {"error": of_ours(f"{faults[0].kind}: {faults[0].message}")}
        except OnDemandError as error:
            return {"error": of_ours(str(error))}
        public = folder / "dist" / str(report.generation) / "site"
        found = (read(file, content) for file, content in written(public))
        return {"written": [one for one in found if one is not None]}


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each file; those for hosts that send packed files are left out."""
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    for name in sorted(files):
        if not (name.endswith((".gz", ".br", ".zst")) and name.rpartition(".")[0] in files):
            yield name, files[name].read_bytes()
