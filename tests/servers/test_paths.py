"""Request targets as bytes: a snapshot answers its own path only, and the app gets the rest as if OnDemand were not there."""

from __future__ import annotations

import pytest

from tests.servers.running import Server
from tests.servers.wire import Line

TO_THE_APP = [
    b"//",
    b"///",
    b"//about",
    b"/.//",
    b"/about//",
    b"/about/",
    b"/./about",
    b"/../about",
    b"/x/../about",
    b"/about/.",
    b"/about/..",
    b"/%2e/about",
    b"/%2e%2e/about",
    b"/blog/..%2fhello",
    b"/\\about",
    b"\\about",
    b"/about%5c",
    b"/%5cabout",
    b"/blog\\hello",
    b"/about%00",
    b"/%00",
    b"/about%0a",
    b"/about%0d%0aX-Injected:%201",
    b"/about%20",
    b"/about%09",
    b"/About",
    b"/ABOUT",
    b"/about;x=1",
    b"/%2F",
    b"/%2fabout",
    b"/blog%2Fhello",
    b"/blog%2fhello",
    b"/about%2F",
    b"/%2561bout",
    b"/%25%36%31bout",
    b"/blog%252Fhello",
    b"/%252F",
    b"/%",
    b"/about%",
    b"/about%2",
    b"/about%zz",
    b"/%u0061bout",
    b"/%80",
    b"/about%80",
    b"/%C0%AFabout",
    b"/%C3",
    b"/blog/caf%C3",
    b"/blog/caf%E9",
    b"/blog/cafe%CC%81",
    b"/%EF%BF%BD",
    b"/%ED%A0%80",
    b"/about?x=1",
    b"/?/about",
    b"/about%3Fx",
    b"/about%23x",
    b"/about.html",
    b"/about/index.html",
    b"/index.html",
    b"/site/about/index.html",
    b"/manifest.jsonl",
    b"/CURRENT",
    b"/000001/manifest.jsonl",
    b"/.lock",
    b"/files/../manifest.jsonl",
    b"/files/%2e%2e/manifest.jsonl",
    b"/files/small.css.gz",
    b"/404",
    b"*",
    b"about",
    b"@about",
    b"http:about",
    b"http:/about",
    b"http://x//about",
    b"http://x/%2fabout",
    b"http://x/about/",
    b"https://evil.example/about/",
    b"http://[::1/about",
    b"/" + b"a" * 1_000,
    b"/blog/" + b"a" * 10_000,
    b"/" + b"a/" * 2_000,
    b"/" + b"%61" * 3_000,
    b"/" + b"a" * 100_000,
    b"/caf\xc3\xa9",
    b"/about\xff",
    b"/a\x01b",
    b"/about\x00",
    b"/a b",
    b"/\tabout",
    b"",
]

OWN_PATHS = {
    # every spelling that decodes once to the path -> the page
    b"/": "home",
    b"/about": "about",
    b"/%61bout": "about",
    b"/%61%62%6f%75%74": "about",
    b"/blog/hello": "post hello",
    b"/blog/h%65llo": "post hello",
    b"/blog/caf%C3%A9": "post café",
    b"/blog/caf%c3%a9": "post café",
    b"/blog/a%20b": "post a b",
    b"/blog/50%25": "post 50%",
    b"/blog/v1.2": "post v1.2",
    b"/blog/v1%2E2": "post v1.2",
    b"/blog/.dot": "post .dot",
    b"/blog/%2Edot": "post .dot",
    b"/blog/c++": "post c++",
    b"/blog/c%2B%2B": "post c++",
    b"/blog/q%3F": "post q?",
    b"/blog/semi;colon": "post semi;colon",
    b"/blog/semi%3Bcolon": "post semi;colon",
    b"/blog/%E6%97%A5%E6%9C%AC": "post 日本",
}


def short(target: bytes) -> str:
    return repr(target[:40])[2:-1] + (f"...{len(target)}" if len(target) > 40 else "")


@pytest.mark.parametrize("target", TO_THE_APP, ids=short)
def test_the_app_gets_it_as_if_nothing_were_in_front(server: Server, bare: Server, target: bytes) -> None:
    """Same status, same body, same headers; the app's body repeats what it was given."""
    expected = bare.ask(target)
    answer = server.ask(target)
    assert "BUILT" not in answer.text
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert answer.lasting() == expected.lasting()
    assert answer.header("x-injected") is None
    assert "BUILT" in server.ask("/about").text, "it does not answer any more"


@pytest.mark.parametrize("target", OWN_PATHS, ids=short)
def test_a_snapshot_answers_every_spelling_of_its_path(server: Server, bare: Server, target: bytes) -> None:
    answer = server.ask(target)
    assert answer.status == 200
    assert answer.whole
    assert f"<title>{OWN_PATHS[target]}" in answer.text
    assert "BUILT" in answer.text
    assert bare.ask(target).text == answer.text.replace("BUILT", "LIVE")


SERVERS_DIFFER = [
    b"/about?",
    b"/about#x",
    b"/?",
    b"/#",
    b"http://x",
    b"http://x/",
    b"http://x/about",
    b"HTTP://shop.example:80/about",
    b"https://evil.example/about",
    b"http://x:99999/about",
    b"http://x/%61bout",
    b"/blog/caf\xc3\xa9",
]


@pytest.mark.parametrize("target", SERVERS_DIFFER, ids=short)
def test_a_snapshot_may_answer_what_the_app_would_be_given_as_its_path(
    server: Server, bare: Server, target: bytes
) -> None:
    expected, answer = bare.ask(target), server.ask(target)
    assert answer.status == expected.status
    assert answer.text.replace("BUILT", "LIVE") == expected.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "GETX", "X"])
@pytest.mark.parametrize("target", ["/about", "/blog/hello", "*", "/nothing"])
def test_every_other_method_reaches_the_app(server: Server, bare: Server, method: str, target: str) -> None:
    expected, answer = bare.ask(target, method=method), server.ask(target, method=method)
    assert "BUILT" not in answer.text
    assert (answer.status, answer.body) == (expected.status, expected.body)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /about\r\n\r\n",
        b"GET  /about HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /about HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET /about HTTP/1.0\r\n\r\n",
        b"GET /about HTTP/1.1\r\n\r\n",
        b"GET /about HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET /about HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"GET /about HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\r\n\r\n\r\n",
    ],
    ids=short,
)
def test_requests_that_are_none_get_the_server_s_answer(server: Server, bare: Server, raw: bytes) -> None:
    def answer(port: int) -> tuple[int, str]:
        with Line(port) as line:
            line.write(raw)
            if not raw.startswith(b"GET"):  # nothing to wait for; but granian gives up a request with its line
                line.finish()
            found = line.read()
        return found.status, found.text.replace("BUILT", "LIVE")

    assert answer(server.port) == answer(bare.port)
    assert "BUILT" in server.ask("/about").text
