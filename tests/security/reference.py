"""The reference site: its pages, its public files and the traps among them, built and served."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

__all__ = ["BIG", "SECRETS", "make", "trap"]

BIG = b"".join(b"%09d\n" % number for number in range(10_000))
HUGE = BIG * 80

SECRETS = [
    b"OUTSIDE-SECRET",
    b"SIBLING-SECRET",
    b"DOTENV-SECRET",
    b"GIT-SECRET",
    b"HIDDEN-SECRET",
    b"BOOM-SECRET",
    b"Traceback (most recent call last)",
    b"root:x:0:0",
]
"""Texts that no answer may ever hold."""

PAGES = {
    "index": "HOME-STATIC",
    "about": "ABOUT-STATIC",
    "docs/index": "DOCS-INDEX",
    "docs/intro": "DOCS-INTRO",
    "members/report": "MEMBERS-REPORT",
    "index.html-lookalike": "LOOKALIKE",
    "404": "NOTFOUND-PAGE",
}
POSTS = {"hello": "BLOG-HELLO", "café": "BLOG-CAFE", "a b": "BLOG-SPACE", "50%": "BLOG-PERCENT", "v1.2": "BLOG-DOT"}

FILES = {
    "asset.css": b"body{color:red}/*ASSET-CSS*/\n",
    "app.js": b'console.log("APP-JS")\n',
    "pic.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><!--PIC-SVG--></svg>',
    "big.txt": BIG,
    "huge.bin": HUGE,
    "empty.txt": b"",
    "data.json": b'{"marker":"DATA-JSON"}',
    "noext": b"<html><script>alert(1)</script>NOEXT</html>",
    "file.unknownext": b"<html><script>alert(1)</script>UNKNOWNEXT</html>",
    ".well-known/security.txt": b"WELL-KNOWN-OK\n",
    "with space.txt": b"WITH-SPACE\n",
    "semi;colon.txt": b"SEMI-COLON\n",
    "plus+plus.txt": b"PLUS-PLUS\n",
    "nodir/hidden.txt": b"NODIR-FILE\n",
    "comp.css": b"/*COMP-PLAIN*/" + b"x" * 400,
    "comp.css.gz": gzip.compress(b"/*COMP-GZ*/" + b"x" * 400),
    "comp2.css": b"/*COMP2-PLAIN*/" + b"y" * 400,
    "deep/index.html/page.txt": b"DEEP\n",
}
HIDDEN = {
    ".env": b"DOTENV-SECRET\n",
    ".git/config": b"GIT-SECRET\n",
    ".hidden/index.html": b"HIDDEN-SECRET",
    "docs/.draft.html": b"HIDDEN-SECRET",
}
OUTSIDE = {"secret.txt": b"OUTSIDE-SECRET\n", "outside/secret.txt": b"OUTSIDE-SECRET\n"}


def make(folder: Path) -> Path:
    """Write the project, not yet built."""
    folder.mkdir(parents=True)
    shutil.copyfile(Path(__file__).with_name("site.py.txt"), folder / "main.py")
    (folder / "pyproject.toml").write_text("[tool.ondemand]\n")
    write(folder / "pages", {f"{name}.mako": f"<p>{text}</p>".encode() for name, text in PAGES.items()})
    paths = [{"params": {"slug": slug}, "props": {"text": text}} for slug, text in POSTS.items()]
    post = f"<%! static_paths = {paths!r} %><p>${{page.props['text']}}</p>"
    write(folder / "pages", {"blog/[slug].mako": post.encode()})
    client = folder / "client"
    write(client, FILES)
    trap(client)
    return folder


def trap(served: Path) -> None:
    """Plant in and around a folder what nobody may be given: hidden files, secrets beside it, links to them, a loop, a FIFO."""
    write(served, HIDDEN)
    write(served.parent, OUTSIDE)
    (served.parent / "outside" / "index.html").write_text("OUTSIDE-SECRET")
    (served.parent / "secret.css.gz").write_bytes(gzip.compress(b"OUTSIDE-SECRET" * 40))
    write(served.parent / f"{served.name}-backup", {"secret.txt": b"SIBLING-SECRET\n"})
    (served / "indexlink").mkdir(exist_ok=True)
    links = {
        "link-out.txt": "../secret.txt",
        "linkdir-out": "../outside",
        "link-abs.txt": str(served.parent / "secret.txt"),
        "indexlink/index.html": "../../outside/index.html",
        "comp2.css.gz": "../secret.css.gz",
        "loop-a": "loop-b",
        "loop-b": "loop-a",
    }
    for name, target in links.items():
        (served / name).unlink(missing_ok=True)
        (served / name).symlink_to(target)
    os.mkfifo(served / "fifo.txt")


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
