"""Middleware outside OnDemand edits every answer: what it adds for one visitor never reaches another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.conftest import make_project
from tests.servers.running import Server, build, need, running

OUTER = """

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware


class Visits:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        who = dict(scope.get("headers", ())).get(b"x-visitor")
        if who is not None:
            scope["session"]["who"] = who.decode()
        await self.app(scope, receive, send)


app.add_middleware(Visits)
app.add_middleware(SessionMiddleware, secret_key="not a secret", session_cookie="visit")
app.add_middleware(CORSMiddleware, allow_origins=["https://a.example", "https://b.example"], allow_credentials=True)
"""


@pytest.fixture(scope="module")
def visited(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need("itsdangerous")
    folder = make_project(tmp_path_factory.mktemp("outer") / "project")
    with (folder / "main.py").open("a") as source:
        source.write(OUTER)
    build(folder)
    with running(kind, folder) as server:
        yield server


def asked(server: Server, path: str, who: str, **more: str) -> list[tuple[str, str]]:
    headers = {"x-visitor": who, "origin": f"https://{who}.example", **more}
    answer = server.ask(path, headers=headers)
    cookie = answer.header("set-cookie") or ""
    assert answer.status in {200, 206, 304, 416}
    assert cookie.startswith("visit=")
    assert "," not in cookie.replace("Thu, ", "")
    assert answer.header("access-control-allow-origin") == f"https://{who}.example"
    return [(name, "" if name == "set-cookie" else value) for name, value in answer.lasting()]


@pytest.mark.parametrize("path", ["/about", "/", "/blog/caf%C3%A9", "/files/small.css", "/files/large.bin"])
@pytest.mark.parametrize(
    "more",
    [{}, {"accept-encoding": "br"}, {"range": "bytes=0-9"}, {"if-none-match": "*"}, {"range": "bytes=999999999-"}],
    ids=["plain", "br", "range", "unchanged", "beyond"],
)
def test_two_visitors_in_turn(visited: Server, path: str, more: dict[str, str]) -> None:
    first = asked(visited, path, "a", **more)
    other = asked(visited, path, "b", **more)
    for _ in range(5):
        assert asked(visited, path, "a", **more) == first
        assert asked(visited, path, "b", **more) == other
    assert [name for name, _ in first] == [name for name, _ in other]


def test_who_says_nothing_gets_nothing(visited: Server) -> None:
    """After many answers with cookies, one without: the snapshot itself never kept any."""
    asked(visited, "/about", "a")
    answer = visited.ask("/about")
    assert "BUILT" in answer.text
    assert answer.header("set-cookie") is None
    assert answer.header("access-control-allow-origin") is None


def test_each_visitor_s_cookie_is_their_own(visited: Server) -> None:
    cookies = {
        who: {
            (visited.ask("/about", headers={"x-visitor": who}).header("set-cookie") or "").split(".")[0]
            for _ in range(5)
        }
        for who in ("a", "b", "c")
    }
    assert all(len(found) == 1 for found in cookies.values())
    assert len(set.union(*cookies.values())) == 3
