"""`preview`, `dev` and `demo`: a server on this machine."""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

from ondemand.cli import printing
from ondemand.discovery import find_wrapper
from ondemand.errors import BuildError, ConfigError, OnDemandError
from ondemand.middleware import OnDemand
from ondemand.modes import DEVELOPING
from ondemand.prerendering.build import build
from ondemand.prerendering.target import import_app

__all__ = ["develop", "developed", "run_demo", "serve"]

RELOADED = ["*.py", "*.mako", "*.md", "pyproject.toml"]
"""Files whose change starts the app of `dev` anew: code, pages (a new one is a new route), settings. Templates are read anew
by each request."""


def serve(target: str, *, host: str, port: int) -> int:
    """Serve the app with uvicorn until it is stopped. Raises `ConfigError` if uvicorn is missing or the port is taken."""
    uvicorn = _uvicorn()
    app = import_app(target)
    listening = _listen(host, port)
    printing.say(f"Serving {target} at {_address(listening)} (Ctrl+C stops it)")
    wrapper = find_wrapper(app, OnDemand)
    if wrapper is None:
        printing.say(_unwrapped(target))
    config = uvicorn.Config(app, log_level="info" if wrapper is not None else "warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def develop(target: str, *, host: str, port: int) -> int:
    """Serve the app for its developer until it is stopped: without snapshots, in debug mode, anew when its code changes.
    Raises `ConfigError` as `serve` does."""
    uvicorn = _uvicorn()
    from uvicorn.supervisors import ChangeReload

    listening = _listen(host, port)
    os.environ[DEVELOPING] = f"{os.getpid()} {target}"
    printing.say(f"Developing {target} at {_address(listening)} (Ctrl+C stops it)")
    watched = [*RELOADED, *(["*.html", "*.txt"] if Path("manage.py").is_file() else [])]  # Django keeps its templates
    watches = importlib.util.find_spec("watchfiles") is not None  # without it uvicorn looks at *.py alone
    config = uvicorn.Config(
        f"{__name__}:developed",
        factory=True,
        reload=True,
        reload_includes=watched if watches else None,
        timeout_graceful_shutdown=2,
    )
    ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listening]).run()
    return 0


def developed() -> Any:
    """The app, in each process that `develop` starts. One that cannot be imported is told of, and waits for the next change."""
    target = os.environ[DEVELOPING].partition(" ")[2]
    try:
        app = import_app(target)
    except OnDemandError as error:
        printing.fail(str(error))
        raise SystemExit(1) from None
    if find_wrapper(app, OnDemand) is None:
        printing.say(_unwrapped(target))
    return app


def _uvicorn() -> Any:
    try:
        import uvicorn
    except ImportError:
        raise ConfigError("uvicorn is not installed. Run: pip install 'asgi-ondemand[standard]'") from None
    return uvicorn


def _unwrapped(target: str) -> str:
    return f"{target} has no OnDemand: every page is rendered. Add app.add_middleware(OnDemand)."


def _address(listening: socket.socket) -> str:
    name, port = listening.getsockname()[:2]
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small writes at once (TCP_NODELAY) only where the socket says that it is TCP: 40 ms an answer
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(f"{host}:{port} cannot be used ({error.strerror}). Choose another with --port.") from None
    listening.listen(128)
    return listening


def run_demo(folder: Path, *, host: str, port: int, build_only: bool) -> int:
    """Copy the bookshop to `folder`, build it, serve it."""
    try:
        import fastapi  # noqa: F401  # pyright: ignore
    except ImportError:
        raise ConfigError("The demo is a FastAPI site. Run: pip install 'asgi-ondemand[fastapi,standard]'") from None
    source = importlib.resources.files("ondemand") / "starters" / "bookshop"
    with importlib.resources.as_file(source) as files:
        if not os.access(next(one for one in folder.absolute().parents if one.exists()), os.W_OK):
            raise ConfigError(f"{folder.absolute()} cannot be made here. Name another folder: ondemand demo FOLDER.")
        if folder.exists() and not (folder / "main.py").is_file() and any(folder.iterdir()):
            raise ConfigError(f"{folder} is not empty. Name another folder: ondemand demo FOLDER.")
        if not (folder / "main.py").is_file():
            shutil.copytree(files, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
            printing.say(f"Made a bookshop in {folder}{os.sep}")
    if not build_only:
        _listen(host, port).close()  # a taken port is told before the build
    os.environ.setdefault("SITE", f"http://{host}:{port}")
    os.chdir(folder)
    sys.path.insert(0, str(Path.cwd()))
    with printing.BuildProgress() as progress:
        try:
            report = build("main:app", progress=progress)
        except BuildError as error:
            report = error.report
    printing.report(report)
    if report.failed:
        return 1
    printing.say("")
    printing.say("  static, from snapshots   /   /books/dracula   /authors   /tags/gothic   /feed.xml")
    printing.say("  live, rendered for you   /search?q=whale   /basket   /api/stock/dracula")
    printing.say("")
    if build_only:
        return 0
    return serve("main:app", host=host, port=port)
