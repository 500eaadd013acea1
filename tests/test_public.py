"""ondemand.snapshots.public: files that are served as they are, and nothing beside them."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ondemand.snapshots.public import PublicFolder, content_type
from tests.asking import Answer, ask, outermost
from tests.conftest import Build

some = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A public folder beside a secret: /public/{a.txt, sub/b.css, .well-known/x.txt, .env, .git/config}."""
    folder = tmp_path / "public"
    for name in ("a.txt", "sub/b.css", ".well-known/x.txt", ".env", ".git/config", "sub/.hidden", ".well-known/.more"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "public-too").mkdir()
    (tmp_path / "public-too" / "secret.txt").write_text("secret", encoding="utf-8")
    return folder


def listed(folder: Path) -> dict[str, str | None]:
    return {path: fault for path, _, fault in PublicFolder(folder).files()}


def get(public: PublicFolder, file: str, method: str = "GET", headers: Mapping[bytes, bytes] | None = None) -> Answer:
    """What is sent for a file that `find` gave."""
    answer = Answer()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(name.decode(), value.decode()) for name, value in message["headers"]]
        else:
            answer.body += message.get("body", b"")

    reply = public.reply(file, method, headers or {})
    assert reply is not None
    asyncio.run(reply.send({"type": "http", "method": method}, send))
    return answer


# ------------------------------------------------------------------------------------------------------- what is found


@pytest.mark.parametrize("path", ["/a.txt", "/sub/b.css", "/.well-known/x.txt"])
def test_a_file_is_found_at_its_path(path: str, root: Path) -> None:
    found = PublicFolder(root).find(path)
    assert found is not None
    assert Path(found) == root / path[1:]


TRAVERSALS = [
    "/../secret.txt",
    "/sub/../../secret.txt",
    "/sub/../a.txt",
    "/./a.txt",
    "//a.txt",
    "/sub//b.css",
    "a.txt",
    "",
]
TRAVERSALS += ["/..\\secret.txt", "/sub\\b.css", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/../public-too/secret.txt"]
TRAVERSALS += [
    "/a.txt\0",
    "/\0",
    "/a.txt/",
    "/sub",
    "/sub/",
    "/",
    "/missing",
    "/a.txt/x",
    "/A.TXT",
    "/a.txt ",
    "/a.txt.",
]
TRAVERSALS += [
    "/.env",
    "/.git/config",
    "/sub/.hidden",
    "/.well-known/.more",
    "/.well-known",
    "/.",
    "/..",
    "/...",
    "/~root",
]
TRAVERSALS += [
    "//etc/passwd",
    "/etc/passwd",
    "/proc/self/environ",
    "file:///etc/passwd",
    "/C:/x",
    "/\ufffd",
    "/\ud800",
    "/" + "x" * 300,
]
TRAVERSALS += ["/" + "x/" * 600, "/x" * 100_000, "/sub/../../public/a.txt", "/.well-known/../.env"]


@pytest.mark.parametrize("path", TRAVERSALS, ids=lambda path: ascii(path[:40]))
def test_nothing_else_is_found(path: str, root: Path) -> None:
    assert PublicFolder(root).find(path) is None


@some
@given(
    st.lists(
        st.sampled_from(["..", ".", "sub", "a.txt", "secret.txt", ".env", "/", "\\", "%2e", "public-too", "\0", ""])
    )
)
def test_any_path_finds_a_file_inside_that_is_not_hidden_or_none(root: Path, pieces: list[str]) -> None:
    found = PublicFolder(root).find("/" + "/".join(pieces))
    assert found is None or Path(found).read_text("utf-8") in {"a.txt", "sub/b.css", ".well-known/x.txt"}


def test_names_of_any_script_are_found_as_they_are_written(tmp_path: Path) -> None:
    names = ["é.txt", "e\u0301.txt", "日本.txt", "a b.txt", "50%.txt", "a?b#c.txt", "%2e%2e", "...", "a:b"]
    for name in names:
        (tmp_path / name).write_text(name, encoding="utf-8")
    public = PublicFolder(tmp_path)
    for name in names:
        if name != "...":
            found = public.find("/" + name)
            assert found is not None
            assert Path(found).read_text("utf-8") == name


def test_a_folder_that_is_missing_or_a_file_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "missing", tmp_path / "file"):
        assert PublicFolder(folder).find("/a.txt") is None
        assert listed(folder) == {}


def test_a_folder_may_be_a_link_and_named_relatively(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(root, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / "link", Path("link"), Path("public")):
        assert PublicFolder(folder).find("/a.txt") is not None
        assert "/a.txt" in listed(folder)


# ---------------------------------------------------------------------------------------------------------- odd things


def test_a_link_that_leads_out_is_not_served_and_told(root: Path, tmp_path: Path) -> None:
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "relative.txt").symlink_to("../secret.txt")
    (root / "neighbour.txt").symlink_to(tmp_path / "public-too" / "secret.txt")  # its path begins like the folder's
    (root / "absolute.txt").symlink_to("/etc/passwd")
    (root / "twice.txt").symlink_to("out.txt")
    (root / "out").symlink_to(tmp_path / "public-too", target_is_directory=True)
    (root / "up").symlink_to("..", target_is_directory=True)
    public = PublicFolder(root)
    for name in ("out.txt", "relative.txt", "neighbour.txt", "absolute.txt", "twice.txt"):
        assert public.find(f"/{name}") is None
        assert "inside" in (listed(root)[f"/{name}"] or "")
    for path in ("/out/secret.txt", "/up/secret.txt", "/up/public/a.txt/../../secret.txt"):
        assert public.find(path) is None
    assert not [path for path in listed(root) if path.startswith(("/out/", "/up/"))]


def test_a_link_to_a_file_inside_is_served_and_listed(root: Path) -> None:
    (root / "inside.txt").symlink_to("sub/b.css")
    assert PublicFolder(root).find("/inside.txt") is not None
    assert listed(root)["/inside.txt"] is None


def test_what_is_served_without_a_build_is_what_a_build_publishes(root: Path) -> None:
    (root / "inside").symlink_to("sub", target_is_directory=True)
    public = PublicFolder(root)
    assert (public.find("/inside/b.css") is not None) is ("/inside/b.css" in listed(root))


def test_links_that_lead_nowhere_or_in_circles_end(root: Path) -> None:
    (root / "dangling.txt").symlink_to("nowhere.txt")
    (root / "self.txt").symlink_to("self.txt")
    (root / "one.txt").symlink_to("two.txt")
    (root / "two.txt").symlink_to("one.txt")
    (root / "sub" / "loop").symlink_to("..", target_is_directory=True)
    public = PublicFolder(root)
    for name in ("dangling.txt", "self.txt", "one.txt", "two.txt"):
        assert public.find(f"/{name}") is None
        assert listed(root)[f"/{name}"]
    assert len(listed(root)) == 7


def test_a_fifo_is_neither_opened_nor_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    os.mkfifo(root / "sub" / "pipe.txt")
    (root / "to-pipe").symlink_to("pipe")
    public = PublicFolder(root)
    for path in ("/pipe", "/sub/pipe.txt", "/to-pipe"):
        assert public.find(path) is None
        assert listed(root)[path]


def test_a_name_that_is_no_utf8_or_holds_a_control_is_told_and_not_served(root: Path) -> None:
    (root / os.fsdecode(b"\xff.txt")).touch()
    (root / "a\nb.txt").touch()
    (root / "a\\b.txt").touch()
    faults = {path: fault for path, fault in listed(root).items() if fault}
    assert len(faults) == 3
    for path in faults:
        assert PublicFolder(root).find(path) is None


def test_hidden_files_are_left_out_but_for_well_known(root: Path) -> None:
    assert listed(root) == {"/.well-known/x.txt": None, "/a.txt": None, "/sub/b.css": None}
    assert list(listed(root)) == ["/a.txt", "/.well-known/x.txt", "/sub/b.css"]  # a folder's files, then what is below


# ------------------------------------------------------------------------------------------------------------- answers


def test_a_file_is_sent_whole_with_its_type_and_validators(root: Path) -> None:
    os.utime(root / "a.txt", ns=(0, 1_795_176_000 * 10**9))
    public = PublicFolder(root)
    found = public.find("/a.txt")
    assert found is not None
    answer = get(public, found)
    assert (answer.status, answer.body) == (200, b"a.txt")
    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert answer.header("content-length") == "5"
    assert answer.header("cache-control") == "no-cache"
    assert answer.header("last-modified") == formatdate(1_795_176_000, usegmt=True)
    assert (answer.header("etag") or "").startswith('W/"')


def test_head_sends_the_headers_alone(root: Path) -> None:
    public = PublicFolder(root)
    whole, head = get(public, str(root / "a.txt")), get(public, str(root / "a.txt"), "HEAD")
    assert (head.status, head.body, head.headers) == (200, b"", whole.headers)


def test_a_large_and_an_empty_file_are_sent(root: Path) -> None:
    (root / "empty.txt").touch()
    body = os.urandom(700_000)
    (root / "large.bin").write_bytes(body)
    public = PublicFolder(root)
    assert get(public, str(root / "empty.txt")).body == b""
    assert get(public, str(root / "empty.txt")).header("content-length") == "0"
    assert get(public, str(root / "large.bin")).body == body


def test_a_file_that_was_not_changed_is_not_sent_again(root: Path) -> None:
    public = PublicFolder(root)
    file = str(root / "a.txt")
    etag = (get(public, file).header("etag") or "").encode()
    for method in ("GET", "HEAD"):
        for sent in (etag, etag.removeprefix(b"W/"), b'"x", ' + etag, b"*"):
            answer = get(public, file, method, {b"if-none-match": sent})
            assert (answer.status, answer.body) == (304, b"")
            assert {name for name, _ in answer.headers} == {"cache-control", "etag", "last-modified"}
    for sent in (b'"x"', b"", b"junk", etag[:-1]):
        assert get(public, file, headers={b"if-none-match": sent}).status == 200
    (root / "a.txt").write_text("longer than before", encoding="utf-8")
    assert get(public, file, headers={b"if-none-match": etag}).status == 200


def test_descriptors_are_closed_whatever_is_answered(root: Path) -> None:
    public = PublicFolder(root)
    file = str(root / "a.txt")
    get(public, file)
    before = len(os.listdir("/proc/self/fd"))
    for method, headers in (("GET", {}), ("HEAD", {}), ("GET", {b"if-none-match": b"*"})):
        get(public, file, method, headers)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_is_gone_meanwhile_is_no_answer(root: Path) -> None:
    public = PublicFolder(root)
    file = public.find("/a.txt")
    assert file is not None
    (root / "a.txt").unlink()
    assert public.reply(file, "GET", {}) is None


def test_what_became_a_folder_or_a_pipe_meanwhile_is_no_answer(root: Path) -> None:
    public = PublicFolder(root)
    file = public.find("/a.txt")
    assert file is not None
    (root / "a.txt").unlink()
    (root / "a.txt").mkdir()
    assert public.reply(file, "GET", {}) is None
    (root / "a.txt").rmdir()
    os.mkfifo(root / "a.txt")
    assert public.reply(file, "GET", {}) is None


def test_what_became_a_link_that_leads_out_meanwhile_is_no_answer(root: Path, tmp_path: Path) -> None:
    public = PublicFolder(root)
    file = public.find("/a.txt")
    assert file is not None
    (root / "a.txt").unlink()
    (root / "a.txt").symlink_to(tmp_path / "secret.txt")
    assert public.reply(file, "GET", {}) is None


# --------------------------------------------------------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("a.HTML", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.png", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.svg", "image/svg+xml"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.pdf", "application/pdf"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.tar.html", "text/html; charset=utf-8"),
        ("a", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        (".html", "application/octet-stream"),
        ("a.unknown-kind", "application/octet-stream"),
        ("a.html/x", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_a_name_tells_its_type(name: str, expected: str) -> None:
    assert content_type(name) == expected


def test_scripts_are_text_in_utf8() -> None:
    assert content_type("a.js") in {"text/javascript; charset=utf-8", "application/javascript; charset=utf-8"}


@pytest.mark.parametrize(
    "name", ["a.html.gz", "a.css.gz", "a.json.bz2", "a.js.br", "a.tar.gz", "a.tgz", "a.svgz", "a.txt.xz"]
)
def test_a_packed_file_is_not_called_what_it_holds(name: str) -> None:
    # it is sent as it is, without Content-Encoding: a browser would show the packed bytes as a page
    assert not content_type(name).startswith(("text/", "application/json", "image/", "application/javascript"))
    assert content_type(name) != "application/x-tar"


# --------------------------------------------------------------------------------------------------------- in a build


async def home(scope: Any, receive: Any, send: Any) -> None:
    found = scope["path"] == "/"
    headers = [(b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"<link rel=stylesheet href=/a.css>"})


def test_files_that_were_packed_beforehand_are_published_as_they_are(root: Path, dist: Path, built: Build) -> None:
    body = b"b { color: red }\n" * 60
    packed = gzip.compress(body, 9)
    (root / "a.css").write_bytes(body)
    (root / "a.css.gz").write_bytes(packed)
    wrapped = outermost(home, public=root, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert ask(wrapped, "/a.css").body == body
    assert ask(wrapped, "/a.css.gz").body == packed
    assert gzip.decompress(ask(wrapped, "/a.css", headers={"accept-encoding": "gzip"}).body) == body
