"""Links to other sites: asked for politely, and remembered for a week."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import socket
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from ondemand import __version__
from ondemand.errors import StoreError
from ondemand.frames import describe
from ondemand.prerendering.report import seconds

__all__ = ["Asking", "Checked", "check"]

AT_ONCE, PER_HOST = 8, 2
"""Requests that are under way, altogether and at one host."""

REDIRECTS = 5
GOOD_FOR = 7 * 24 * 3600.0
"""Seconds for which a link that worked is not asked for again."""

_GONE = frozenset({404, 410})

Resolve = Callable[[str, int], Awaitable[Iterable[str]]]
"""The addresses of (host, port). Raises `socket.gaierror`."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How other sites are asked.

    cache: the file of what worked, None for `.ondemand/links.json` below the project's root. timeout: seconds a request.
    allow_private: also hosts of this machine and its network. resolve: instead of the system's resolver.
    """

    cache: Path | None = None
    timeout: float = 10.0
    allow_private: bool = False
    resolve: Resolve | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """broken: url -> why it leads nowhere. unchecked: url -> why that could not be found out. asked: how many were asked."""

    broken: dict[str, str]
    unchecked: dict[str, str]
    asked: int


def check(urls: Iterable[str], asking: Asking, *, cache: Path, now: float) -> Checked:
    """Ask for each of these http(s) URLs, but for those that worked in the last 7 days.

    HEAD first, and GET, without reading what it answers, where HEAD is refused: some servers answer it wrongly. Up to 5
    redirects are followed. 404, 410 and a host that does not exist are broken; any other refusal, also 429 and 5xx, says
    nothing about the link. now: seconds since 1970. Proxies and certificates are those of the environment (HTTPS_PROXY,
    SSL_CERT_FILE), as for every other program; nothing else of it is used, and no credentials are sent.

    Raises `StoreError` if the cache cannot be written.
    """
    good = _read(cache, now)
    wanted = [url for url in dict.fromkeys(urls) if url not in good]
    results = asyncio.run(_Asker(asking).ask(wanted)) if wanted else {}
    checked = Checked({}, {}, len(wanted))
    for url, answer in results.items():
        if answer is None:
            checked.broken[url] = "its host does not exist"
        elif answer in _GONE:
            checked.broken[url] = f"it answers {answer}"
        elif isinstance(answer, str):
            checked.unchecked[url] = answer
        elif answer >= 400:
            checked.unchecked[url] = f"it answers {answer}"
        else:
            good[url] = now
    if wanted:
        _write(cache, good)
    return checked


Answer = int | str
"""The status that a URL comes to, or why it could not be found out."""


class _Asker:
    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._resolve: Resolve = asking.resolve or _addresses
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._all = asyncio.Semaphore(AT_ONCE)
        self._proxies = urllib.request.getproxies()

    async def ask(self, urls: list[str]) -> dict[str, Answer | None]:
        """What each comes to; None if its host does not exist."""
        results: dict[str, Answer | None] = dict.fromkeys(urls)
        hosts: dict[str, list[str]] = {}
        for url in urls:
            hosts.setdefault(urlsplit(url).netloc.lower(), []).append(url)
        headers = {"user-agent": f"ondemand/{__version__} (link check)", "accept": "*/*"}
        forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        async with httpx.AsyncClient(headers=headers, timeout=self._asking.timeout, cookies=forgetful) as client:

            async def work(left: Iterator[str]) -> None:
                for url in left:
                    results[url] = await self._one(client, url)

            async with asyncio.TaskGroup() as group:
                for left in map(iter, hosts.values()):
                    for _ in range(PER_HOST):
                        group.create_task(work(left))
        return results

    async def _one(self, client: httpx.AsyncClient, url: str) -> Answer | None:
        try:
            async with asyncio.timeout(self._asking.timeout * 6):
                try:
                    answer = await self._follow(client, "HEAD", url)
                except httpx.RemoteProtocolError:  # it hangs up on a method it does not know
                    answer = 501
                return await self._follow(client, "GET", url) if isinstance(answer, int) and answer >= 400 else answer
        except socket.gaierror as error:
            return None if error.errno == socket.EAI_NONAME else "its host could not be looked up"
        except (httpx.TimeoutException, TimeoutError):
            return f"it did not answer in {seconds(self._asking.timeout)}"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return describe(error)

    async def _follow(self, client: httpx.AsyncClient, method: str, url: str) -> Answer:
        for _ in range(REDIRECTS + 1):
            if (refusal := await self._refusal(url)) is not None:
                return refusal
            host = self._hosts.setdefault(urlsplit(url).netloc.lower(), asyncio.Semaphore(PER_HOST))
            async with host, self._all, client.stream(method, url) as answer:
                if answer.next_request is None:
                    return answer.status_code
                url = str(answer.next_request.url)
        return f"it redirects more than {REDIRECTS} times"

    async def _refusal(self, url: str) -> str | None:
        """Why `url` is not asked for. Raises `socket.gaierror`."""
        parts = urlsplit(url)
        host = parts.hostname
        if parts.scheme not in {"http", "https"} or not host:
            return f"it redirects to {parts.scheme or 'nowhere'}:"
        if parts.username is not None:
            return "it names a user"
        proxied = bool({parts.scheme, "all"} & self._proxies.keys())
        if proxied and not urllib.request.proxy_bypass(host) and _address(host) is None:
            return None  # the proxy looks it up: here it may be unknown
        if self._asking.allow_private:
            return None
        for text in await self._resolve(host, parts.port or (443 if parts.scheme == "https" else 80)):
            address = _address(text)
            if address is None or not address.is_global or address.is_multicast:
                return "its host is of this machine or network"
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


async def _addresses(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def _read(cache: Path, now: float) -> dict[str, float]:
    """url -> when it last worked, of those that need not be asked for. What is no cache of ours is none."""
    try:
        rows: Any = json.loads(cache.read_text(encoding="utf-8"))["links"]
        return {
            str(url): float(checked)
            for url, checked in cast("dict[Any, Any]", rows).items()
            if 0 <= now - float(checked) < GOOD_FOR
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(cache: Path, good: dict[str, float]) -> None:
    text = json.dumps({"ondemand": 1, "links": dict(sorted(good.items()))}, ensure_ascii=False, indent=0) + "\n"
    fresh = cache.with_name(f"{cache.name}.{os.getpid()}")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(cache)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise StoreError(f"{cache} cannot be written ({error}). Check its rights, or leave out --external.") from error
