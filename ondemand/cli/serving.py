"""`preview` and `demo`: a server on this machine."""

from __future__ import annotations

import importlib.resources
import os
import shutil
import socket
import sys
from pathlib import Path

from ondemand.cli import printing
from ondemand.discovery import find_wrapper
from ondemand.errors import BuildError, ConfigError
from ondemand.middleware import OnDemand
from ondemand.prerendering.build import build
from ondemand.prerendering.target import import_app

__all__ = ["run_demo", "serve"]


def serve(target: str, *, host: str, port: int) -> int:
    """Serve the app with uvicorn until it is stopped. Raises `ConfigError` if uvicorn is missing or the port is taken."""
    try:
        import uvicorn
    except ImportError:
        raise ConfigError("uvicorn is not installed. Run: pip install 'asgi-ondemand[standard]'") from None
    app = import_app(target)
    listening = _listen(host, port)
    address = listening.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    printing.say(f"Serving {target} at http://{shown}:{address[1]}/ (Ctrl+C stops it)")
    wrapper = find_wrapper(app, OnDemand)
    if wrapper is None:
        printing.say(f"{target} has no OnDemand: every page is rendered. Add app.add_middleware(OnDemand).")
    config = uvicorn.Config(app, log_level="info" if wrapper is not None else "warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
    return 0


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
