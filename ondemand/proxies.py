"""Who asks, and at which address: the client, the scheme and the host, also behind proxies.

Forwarded headers count only where the peer is one of `trusted_proxies`; they are read from the right, which is the end that the
nearest proxy wrote. A forwarded host counts only if it is one of `allowed_hosts` too. No host is joined into a URL unchecked.
Sources: RFC 3986 section 3.2.2 (host), RFC 9110 section 7.2 (Host), the X-Forwarded-* headers as nginx and others write them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ondemand._asgi import Scope
from ondemand.errors import ConfigError

__all__ = ["Hosts", "Proxies", "checked_host"]

_HOST = re.compile(r"([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?\Z")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def checked_host(host: str) -> tuple[str, str] | None:
    """Name (lower case) and port ("" if none is named) of a Host field, or None if it is none."""
    found = _HOST.match(host)
    if found is None or len(host) > 260:
        return None
    name, port = found.group(1).lower(), found.group(2) or ""
    if port and not 0 < int(port) < 65536:
        return None
    if name.startswith("["):
        try:
            ipaddress.IPv6Address(name[1:-1])
        except ValueError:
            return None
    return name, port.lstrip("0")


class _HostPattern(NamedTuple):
    name: str  # "" matches any
    depth: int | None  # labels in front of the name: 0, 1 ("*."), None for any number, but at least one ("**.")
    port: str

    def covers(self, name: str, port: str) -> bool:
        if self.port and port != self.port:
            return False
        if not self.name:
            return True
        if self.depth == 0:
            return name == self.name
        front = name.removesuffix("." + self.name)
        return front != name and front != "" and (self.depth is None or "." not in front)


class Hosts:
    """The `allowed_hosts` of a site: "shop.example", "*.shop.example" (one label), "**.shop.example" (one or more), "*"
    (any); with a port, "shop.example:8443", only there. Raises `ConfigError` for anything else."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(self._read(pattern) for pattern in patterns)

    @staticmethod
    def _read(pattern: str) -> _HostPattern:
        text, depth = pattern, 0
        if pattern == "*":
            return _HostPattern("", None, "")
        for front, labels in (("**.", None), ("*.", 1)):
            if pattern.startswith(front):
                text, depth = pattern.removeprefix(front), labels
                break
        checked = checked_host(text)
        if checked is None:
            raise ConfigError(
                f"allowed_hosts={pattern!r} is not accepted. It takes hosts such as "
                '"shop.example", "*.shop.example", "**.shop.example" or "shop.example:8443".'
            )
        return _HostPattern(checked[0], depth, checked[1])

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def covers(self, name: str, port: str) -> bool:
        """True if one of the patterns matches."""
        return any(pattern.covers(name, port) for pattern in self._patterns)

    def names_port(self, name: str, port: str) -> bool:
        """True if a pattern that names this very port matches."""
        return any(pattern.port and pattern.covers(name, port) for pattern in self._patterns)


class Proxies:
    """What the scope of a request says about who asks, seen through `trusted_proxies`.

    trusted: addresses and networks ("10.0.0.0/8"); "unix" trusts a peer that came over a Unix socket, which has no address.
    """

    def __init__(self, trusted: Sequence[str], hosts: Hosts) -> None:
        self._unix = "unix" in trusted
        self._networks = tuple(self._network(text) for text in trusted if text != "unix")
        self._hosts = hosts

    @staticmethod
    def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        try:
            return ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ConfigError(
                f"trusted_proxies={text!r} is not accepted. It takes addresses and networks such as "
                '"127.0.0.1", "10.0.0.0/8" or "unix".'
            ) from None

    def _trusts(self, address: str | None) -> bool:
        if address is None:
            return self._unix
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)

    def client_address(self, scope: Scope) -> str | None:
        """The address of the visitor: the peer, or, behind trusted proxies, the last in X-Forwarded-For that is none of
        them. None if the server does not know it (a Unix socket)."""
        address = _peer(scope)
        if not (self._unix or self._networks) or not self._trusts(address):
            return address
        for text in reversed(_values(scope, b"x-forwarded-for")):
            claimed = _address(text)
            if claimed is None:
                break  # whatever stands further left was not written by a proxy of ours
            address = claimed
            if not self._trusts(claimed):
                break
        return address

    def host(self, scope: Scope) -> tuple[str, str] | None:
        """Name and port that the visitor asked for, or None if what the request says is no host."""
        if self._hosts and self._is_behind_proxy(scope):
            forwarded = _values(scope, b"x-forwarded-host")
            checked = checked_host(forwarded[-1]) if forwarded else None
            ports = _values(scope, b"x-forwarded-port")
            if checked is not None and not checked[1] and ports and self._hosts.names_port(checked[0], ports[-1]):
                checked = (checked[0], ports[-1])
            if checked is not None and self._hosts.covers(*checked):
                return checked
        found = [value for name, value in scope["headers"] if name == b"host"]
        return checked_host(found[0].decode("latin-1")) if len(found) == 1 else None

    def scheme(self, scope: Scope) -> str:
        """ "http" or "https"."""
        if (self._unix or self._networks) and self._is_behind_proxy(scope):
            forwarded = _values(scope, b"x-forwarded-proto")
            if forwarded and forwarded[-1].lower() in _DEFAULT_PORTS:
                return forwarded[-1].lower()
        return "https" if scope.get("scheme") == "https" else "http"

    def origin(self, scope: Scope, fallback: str) -> str:
        """Scheme, host and port of the request; where its host is none, `fallback`, or, if that is "", the address that
        the server listens at."""
        checked, scheme = self.host(scope), self.scheme(scope)
        if checked is None:
            if fallback:
                return fallback
            server = scope.get("server") or ("localhost", None)
            name = f"[{server[0]}]" if ":" in server[0] else server[0]
            checked = checked_host(f"{name}:{server[1]}" if server[1] else name) or ("localhost", "")
        name, port = checked
        return f"{scheme}://{name}" + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")

    def allows(self, scope: Scope) -> bool:
        """True if the host of the request is one of `allowed_hosts`, or if there are none."""
        if not self._hosts:
            return True
        checked = self.host(scope)
        return checked is not None and self._hosts.covers(*checked)

    def _is_behind_proxy(self, scope: Scope) -> bool:
        return self._trusts(_peer(scope))


def _peer(scope: Scope) -> str | None:
    """The address that is connected, or None for a Unix socket, which some servers call ""."""
    client = scope.get("client")
    return str(client[0]) or None if client else None


def _values(scope: Scope, name: bytes) -> list[str]:
    """The comma-separated values of every field of this name, in order."""
    fields: Iterable[bytes] = (value for key, value in scope["headers"] if key == name)
    return [part.strip() for field in fields for part in field.decode("latin-1").split(",")]


def _address(text: str) -> str | None:
    """An entry of X-Forwarded-For as an address: without port and brackets; None if it is none."""
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+", text)
    if found:
        text = found.group(1) or found.group(2)
    if "%" in text:  # a zone, which may be any text
        return None
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
