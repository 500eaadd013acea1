"""What a document refers to: the links of an HTML page or a style sheet, as far as they stay on its own origin.

No I/O and no knowledge of the app: bytes and a URL go in, `References` come out. Nothing here raises over what a page
holds, and no input takes more than linear time.

Sources: RFC 3986 (resolution of references), WHATWG URL (what browsers do where the RFC says less: backslashes,
whitespace, `%2e`), WHATWG HTML (elements, srcset, refresh, base, encodings), CSS Syntax 3 and CSS Values 4 (urls).
"""

from __future__ import annotations

import codecs
import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.entities import html5

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from ondemand.prerendering.css import css_references
from ondemand.prerendering.references import Faulty, Kind, Link, Resolver, past, resolve

__all__ = [
    "Attributes",
    "Faulty",
    "Found",
    "Kind",
    "Link",
    "References",
    "in_utf8",
    "is_get",
    "read_css",
    "read_html",
    "read_tags",
    "resolve",
]

Attributes = Mapping[str, str | None]

# Every parse makes and frees about a quarter of a megabyte. glibc hands that back to the system each time, which costs
# more than the parse of a small page, until it has seen one larger block come and go (mallopt(3): M_MMAP_THRESHOLD).
bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class References:
    """What a document refers to, in document order, each once."""

    links: tuple[Link, ...]
    ids: frozenset[str]
    """What a fragment can point to: every `id`, and `name` of `a` elements."""
    faulty: tuple[str, ...]
    """What stands where a URL should and is none."""


# ---------------------------------------------------------------------------------------------------- public functions


def read_html(body: bytes, *, charset: str | None, url: str) -> References:
    """What the HTML page `body`, served as `url`, refers to.

    `charset` is that of the Content-Type header; without one the byte order mark, `<meta charset>` within the first
    1024 bytes or UTF-8 decide (WHATWG HTML, "determining the character encoding"). A charset nobody knows is UTF-8.

        >>> page = read_html(b'<h1 id=top><a href="b?x=1">b</a> <img src=/i.png>', charset="utf-8", url="http://h/a")
        >>> [(link.kind, link.path, link.query) for link in page.links], page.ids
        ([('page', '/b', 'x=1'), ('asset', '/i.png', '')], frozenset({'top'}))

    Left alone: other origins, schemes other than http and https, elements with `rel="external"`, everything from
    `data-ondemand-ignore` down, the content of `<template>`, `link` for preconnect and dns-prefetch.
    """
    document = in_utf8(body, charset)
    found = Found()
    if not (_is_tame(document) and _read_tree(document, found)):
        found = Found()
        read_tags(document.decode("utf-8", "replace"), found)
    return found.references(url)


def read_css(text: bytes, *, url: str) -> References:
    """What the style sheet `text`, served as `url`, refers to: `url()`, `src()`, `image-set()` and `@import`.

        >>> [link.path for link in read_css(b'@import "base.css"; b { src: url(f.woff2#x) }', url="http://h/s/m.css").links]
        ['/s/base.css', '/s/f.woff2']

    Read as UTF-8, whatever `@charset` says. All links are assets, there are no ids. Source: CSS Syntax 3, section 4.
    """
    found = Found()
    found.style(text.decode("utf-8", "replace"))
    return found.references(url)


# ---------------------------------------------------------------------------------------------------- what is collected

_IGNORE = "data-ondemand-ignore"

_NO_RELS: frozenset[str] = frozenset()
_NO_LINK = frozenset({"preconnect", "dns-prefetch"})
_ASSET_RELS = frozenset(
    {"apple-touch-icon", "icon", "manifest", "mask-icon", "modulepreload", "prefetch", "preload", "stylesheet"}
)
_PAGE_RELS = frozenset(
    {"alternate", "amphtml", "appendix", "archives", "author", "bookmark", "canonical", "chapter", "contents"}
    | {"copyright", "end", "first", "glossary", "help", "home", "index", "last", "license", "me", "next", "prerender"}
    | {"prev", "previous", "privacy-policy", "search", "section", "shortlink", "start", "subsection", "tag"}
    | {"terms-of-service", "up"}
)

_META = frozenset(
    {"og:image", "og:image:url", "og:image:secure_url", "og:video", "og:video:url", "og:video:secure_url"}
    | {"og:audio", "og:audio:url", "og:audio:secure_url", "twitter:image", "twitter:image:src"}
    | {"msapplication-tileimage"}
)

_SOURCES: dict[str, tuple[tuple[str, Kind], ...]] = {
    "img": (("src", "asset"),),
    "script": (("src", "asset"),),
    "iframe": (("src", "page"),),
    "frame": (("src", "page"),),
    "video": (("src", "asset"), ("poster", "asset")),
    "audio": (("src", "asset"),),
    "source": (("src", "asset"),),
    "track": (("src", "asset"),),
    "embed": (("src", "asset"),),
    "object": (("data", "asset"),),
}

_SVG = frozenset({"image", "use", "feimage"})

_REFRESH = re.compile(
    r"[\t\n\f\r ]*+(?:[0-9][0-9.]*+|\.[0-9.]*+)(?:[\t\n\f\r ]++[;,]?+|[;,])[\t\n\f\r ]*+"
    r"(?:url[\t\n\f\r ]*+=[\t\n\f\r ]*+)?(?:\"([^\"]*+)|'([^']*+)|(.*+))",
    re.IGNORECASE | re.DOTALL,
)


class Found:
    """Collects references while a document is read; they are resolved at its end, when `<base>` is known."""

    __slots__ = ("base", "ids", "span", "wanted")

    def __init__(self) -> None:
        self.span: tuple[int, int] = (0, 0)  # where the tag that is read lies in its text: kept by `read_tags` alone
        self.base: str | None = None
        self.ids: set[str] = set()
        self.wanted: dict[tuple[str, Kind], None] = {}

    def references(self, url: str) -> References:
        resolver = Resolver(url, self.base)
        links: dict[tuple[str, str, str, Kind, bool], Link] = {}
        faulty: dict[str, None] = {} if resolver.faulty is None else {resolver.faulty: None}
        for text, kind in self.wanted:
            link = resolver.simple(text, kind) or resolver.link(text, kind)
            if isinstance(link, Link):
                links.setdefault((link.path, link.query, link.fragment, kind, link.encoded_slash), link)
            elif link is not None:
                faulty[link.raw] = None
        return References(tuple(links.values()), frozenset(self.ids), tuple(faulty))

    def names(self, tag: str, attributes: Attributes) -> None:
        """Note what counts in ignored elements too: what fragments can point to, and the first `<base href>`.

        Source: WHATWG HTML, "find a potential indicated element" and "the base element".
        """
        identity = attributes.get("id")
        if identity:
            self.ids.add(identity)
        if tag == "a":
            name = attributes.get("name")
            if name:
                self.ids.add(name)
        elif tag == "base" and self.base is None and "href" in attributes:
            self.base = attributes["href"] or ""

    def style(self, text: str) -> None:
        if "(" in text or "@" in text:
            for reference in css_references(text):
                self.wanted[reference, "asset"] = None

    def srcset(self, text: str) -> None:
        for reference in _srcset_references(text):
            self.wanted[reference, "asset"] = None

    def element(self, tag: str, attributes: Attributes) -> None:
        """Note what one element refers to, but for `formaction` and the content of `<style>`; `tag` in lower case."""
        if "style" in attributes:
            self.style(attributes["style"] or "")
        rels = _NO_RELS
        if "rel" in attributes:
            rels = frozenset((attributes["rel"] or "").lower().split())
            if "external" in rels:
                return
        if tag in ("a", "area"):
            href = "href" if "href" in attributes else "xlink:href"
            if href in attributes:
                self.wanted[attributes[href] or "", "page"] = None
        elif tag in _SOURCES:
            for name, kind in _SOURCES[tag]:
                value = attributes.get(name)
                if value:
                    self.wanted[value, kind] = None
            if "srcset" in attributes and tag in ("img", "source"):
                self.srcset(attributes["srcset"] or "")
        elif tag == "link":
            self._link(rels, attributes)
        elif tag == "meta":
            self._meta(attributes)
        elif tag == "form":
            action = attributes.get("action")
            if action and is_get(attributes.get("method")):
                self.wanted[action, "form"] = None
        elif tag == "input":
            source = attributes.get("src")
            if source and (attributes.get("type") or "").lower() == "image":
                self.wanted[source, "asset"] = None
        elif tag in _SVG:
            value = attributes.get("href") or attributes.get("xlink:href")
            if value:
                self.wanted[value, "asset"] = None

    def _link(self, rels: frozenset[str], attributes: Attributes) -> None:
        """Source: WHATWG HTML, "link types" and "the link element"; one without any type links to nothing."""
        if rels <= _NO_LINK:
            return
        href = attributes.get("href")
        if href:
            kind: Kind = "page" if rels & _PAGE_RELS and not rels & _ASSET_RELS else "asset"
            self.wanted[href, kind] = None
        if "imagesrcset" in attributes:
            self.srcset(attributes["imagesrcset"] or "")

    def _meta(self, attributes: Attributes) -> None:
        """Source: ogp.me, and WHATWG HTML, "shared declarative refresh steps"."""
        content = attributes.get("content")
        if not content:
            return
        name = attributes.get("property") or attributes.get("name") or ""
        if name.lower() in _META:
            self.wanted[content, "asset"] = None
        elif (attributes.get("http-equiv") or "").lower() == "refresh":
            refresh = _REFRESH.match(content)
            if refresh is not None:
                value = refresh[1] or refresh[2] or refresh[3]
                if value:
                    self.wanted[value, "page"] = None


def is_get(method: str | None) -> bool:
    """Whether a form with this `method` is a GET form: any method HTML does not know is."""
    return (method or "").lower() not in ("post", "dialog")


def _submits(tag: str, attributes: Attributes) -> bool:
    """Whether this is a submit button, so that its `formaction` means something."""
    kind = (attributes.get("type") or "").lower()
    return kind in ("submit", "image") if tag == "input" else tag == "button" and kind not in ("reset", "button")


def _is_style(attributes: Attributes) -> bool:
    """Whether a `<style>` holds CSS. Source: WHATWG HTML, "update a style block"."""
    return (attributes.get("type") or "text/css").lower() == "text/css"


# --------------------------------------------------------------------------------------------------------- HTML, a tree


def _read_tree(document: bytes, found: Found) -> bool:
    """Read a document as browsers do, the content of `<template>` apart; False if the parser gave up, out of memory."""
    try:
        root = LexborHTMLParser(document, options=1).root  # 1: no mutation events, the tree is what the author wrote
    except SelectolaxError:
        return False
    if root is None:
        return False
    ignored = 0
    forms: _Forms | None = None
    for node in root.traverse():
        attributes = node.attributes
        if ignored:
            ignored -= 1
            if attributes:
                found.names(node.tag or "", attributes)
            continue
        tag = node.tag or ""
        if attributes:
            found.names(tag, attributes)
            if _IGNORE in attributes:
                ignored = sum(1 for _ in node.traverse()) - 1
                continue
            found.element(tag if tag.islower() else tag.lower(), attributes)
            if "formaction" in attributes and _submits(tag, attributes):
                if forms is None:
                    forms = _Forms(root)
                action = attributes["formaction"]
                if action and is_get(forms.method(node, attributes)):
                    found.wanted[action, "form"] = None
        if tag == "style" and _is_style(attributes):
            found.style(node.text())
    return True


class _Forms:
    """Finds the form of a button. Made when a document has its first button with `formaction`."""

    def __init__(self, root: LexborNode) -> None:
        self._named: dict[str, str | None] = {}
        self._around: dict[int, str | None] = {}
        for form in root.css("form[id]"):
            attributes = form.attributes
            self._named.setdefault(attributes["id"] or "", attributes.get("method"))

    def method(self, node: LexborNode, attributes: Attributes) -> str | None:
        """The method a button submits with; "dialog" stands for no form. Source: WHATWG HTML, "form owner"."""
        if "formmethod" in attributes:
            return attributes["formmethod"]
        if "form" in attributes:
            return self._named.get(attributes["form"] or "", "dialog")
        passed: list[int] = []
        method: str | None = "dialog"
        above = node.parent
        while above is not None:
            here = above.mem_id
            if here in self._around:  # so that many buttons deep down stay cheap
                method = self._around[here]
                break
            passed.append(here)
            if above.tag == "form":
                method = above.attributes.get("method")
                break
            above = above.parent
        self._around.update(dict.fromkeys(passed, method))
        return method


# ---------------------------------------------------------------------------------------- HTML, tags, in linear time

_FEW_TAGS = 1000
_DEEPEST = 500
_LONGEST_TAG = 32 * 1024

_NAMES = re.compile(rb"<(/?)([a-z][a-z0-9]*)")
_WEIGHTS = {
    # These are void or closed by the next one, so that they never get deep ...
    **dict.fromkeys(b"area base br col embed hr img input link meta param source track wbr".split(), 0),
    **dict.fromkeys(b"p li dt dd option optgroup tr td th thead tbody tfoot colgroup rp rt".split(), 0),
    # ... and these, left open, are opened again in each block that follows.
    **dict.fromkeys(b"b big code em font i nobr s small strike strong tt u".split(), 16),
}


def _is_tame(body: bytes) -> bool:
    """Whether a tree can be made of `body` in good time.

    The HTML algorithm is quadratic in the depth of the tree, in the attributes of one element and in unclosed `<b>`
    and the like, and so is every parser that follows it. The few pages beyond these limits, most of them for a script
    or a data: URL of 32 kB, are read tag by tag, which finds the same in all but muddled markup.
    """
    if len(body) > _LONGEST_TAG and max(map(len, body.split(b">"))) > _LONGEST_TAG:
        return False
    if len(body) <= 3 * _FEW_TAGS or body.count(b"<") <= _FEW_TAGS:
        return True
    depth = 0
    opened: Counter[bytes] = Counter()
    for closing, name in _NAMES.findall(body.lower()):
        if not closing:
            opened[name] += 1
            depth += _WEIGHTS.get(name, 1)
            if depth > _DEEPEST:
                return False
        elif opened[name]:
            opened[name] -= 1
            depth -= _WEIGHTS.get(name, 1)
    return True


_TAG = re.compile(r"<(/?)([A-Za-z][^\t\n\f\r />]*)")
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*+(?:(>)|([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)(?:\"|\Z)|'([^']*+)(?:'|\Z)|(?![\"'])([^\t\n\f\r >]*+)))?)"
)
_COMMENT_END = re.compile("--!?>")
_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9a-fA-F]+);?|([A-Za-z][A-Za-z0-9]*+(?:;|(?!=))))")
_TEXT_ONLY = {
    name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)


def _character(reference: re.Match[str]) -> str:
    name = reference[1]
    return html.unescape(reference[0]) if name is None else html5.get(name, reference[0])


def _tags(text: str) -> Iterator[tuple[bool, str, dict[str, str | None], str, tuple[int, int]]]:
    """Whether it is an end tag, name, attributes, for `<style>` and its like content, and place of each tag.

    Source: WHATWG HTML, "tokenization", without what depends on the tree.
    """
    at = 0
    while (at := text.find("<", at)) >= 0:
        tag = _TAG.match(text, at)
        if tag is None:
            if text.startswith("<!--", at):
                end = _COMMENT_END.search(text, at + 2)
                if end is None:
                    return
                at = end.end()
            elif text.startswith(("<!", "<?", "</"), at):
                at = text.find(">", at + 2)
                if at < 0:
                    return
            else:
                at += 1
            continue
        start, at = tag.span()
        attributes: dict[str, str | None] = {}
        while True:
            attribute = _ATTRIBUTE.match(text, at)
            if attribute is None:  # the document ends within the tag: there is no tag
                return
            at = attribute.end()
            if attribute[1]:
                break
            key = attribute[2].lower()
            if key not in attributes:
                value = attribute[3] or attribute[4] or attribute[5] or ""
                attributes[key] = _REFERENCE.sub(_character, value) if "&" in value else value
        name = tag[2].lower()
        span = (start, at)
        content = ""
        if not tag[1] and name in _TEXT_ONLY:
            end = _TEXT_ONLY[name].search(text, at)
            content = text[at:] if end is None else text[at : end.start()]
            at = len(text) if end is None else end.start()
        yield bool(tag[1]), name, attributes, content, span
        if name == "plaintext":
            return


def read_tags(text: str, found: Found) -> None:
    """Read a document tag by tag, for one that no tree should be made of."""
    templates = 0
    ignored: str | None = None  # the name of the element that is ignored
    depth = 0  # and how many of that name are open in it
    method = "dialog"  # of the form around, "dialog" if there is none
    for closing, name, attributes, content, found.span in _tags(text):
        if name == "template":
            templates = max(templates - 1, 0) if closing else templates + 1
        if templates and not (name == "template" and templates == 1):
            continue
        if closing:
            if name == "form":
                method = "dialog"
            if name == ignored:
                depth -= 1
                if not depth:
                    ignored = None
            continue
        found.names(name, attributes)
        if ignored is not None:
            depth += name == ignored
            continue
        if _IGNORE in attributes:
            if name not in _VOID:
                ignored, depth = name, 1
            continue
        found.element("img" if name == "image" and "src" in attributes else name, attributes)
        if name == "form":
            method = attributes.get("method") or "get"
        elif "formaction" in attributes and _submits(name, attributes):
            action = attributes["formaction"]
            if action and is_get(attributes.get("formmethod", method)):
                found.wanted[action, "form"] = None
        elif name == "style" and _is_style(attributes):
            found.style(content)


# ------------------------------------------------------------------------------------------------------------ encodings

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

# By Python's name, the encodings of WHATWG Encoding that Python has, where browsers read them as something else ...
_READ_AS = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-11": "cp874",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
}
# ... and the rest. No others: some of Python's codecs are no encodings, and some warn or refuse to replace.
_CODEC = re.compile(
    r"utf-16(-[lb]e)?|cp(125\d|866|874|932|949)|koi8-[ru]|mac-(roman|cyrillic)|gb18030|big5hkscs|euc_jp|iso2022_jp"
    r"|iso8859-\d+"
)

_CONTENT_CHARSET = re.compile(r"charset[\t\n\f\r ]*=[\t\n\f\r ]*[\"']?([^\t\n\f\r \"';]+)", re.IGNORECASE)


def in_utf8(body: bytes, charset: str | None) -> bytes:
    """`body` in UTF-8, or as it is if nobody knows what it is in."""
    if charset is None:
        for mark, name in _BOMS:
            if body.startswith(mark):
                charset = name
                body = body[len(mark) :]
                break
        else:
            charset = _declared_charset(body[:1024])
    if charset is None or charset in ("utf-8", "UTF-8"):
        return body
    try:
        codec = codecs.lookup(charset.strip()).name
    except (LookupError, ValueError):
        return body
    codec = _READ_AS.get(codec, codec)
    return body.decode(codec, "replace").encode("utf-8", "replace") if _CODEC.fullmatch(codec) else body


def _declared_charset(head: bytes) -> str | None:
    """What `<meta charset>` or `<meta http-equiv>` says. Source: WHATWG HTML, "prescan a byte stream"."""
    if b"charset" not in head.lower():
        return None
    for closing, name, attributes, *_ in _tags(head.decode("latin-1")):
        if closing or name != "meta":
            continue
        charset = attributes.get("charset")
        if charset is None and (attributes.get("http-equiv") or "").lower() == "content-type":
            content = _CONTENT_CHARSET.search(attributes.get("content") or "")
            charset = None if content is None else content[1]
        if charset:
            # What could be read so far is not UTF-16, whatever it says of itself.
            return None if charset.strip().lower().startswith("utf-16") else charset
    return None


# --------------------------------------------------------------------------------------------------------------- srcset

_SRCSET_GAP = re.compile(r"[\t\n\f\r ,]*")
_SRCSET_URL = re.compile(r"[^\t\n\f\r ]+")
_SRCSET_DESCRIPTORS = re.compile(r"[^,(]*+(?:\([^)]*+\)?[^,(]*+)*")
_DESCRIPTOR = re.compile(r"([0-9]+)([wh])|(-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)x")


def _srcset_references(text: str) -> Iterator[str]:
    """The URLs of a `srcset`. Source: WHATWG HTML, "parse a srcset attribute".

    A comma ends a URL only with whitespace after it; a candidate whose descriptors are wrong is none.
    """
    at = 0
    while True:
        url = _SRCSET_URL.match(text, past(_SRCSET_GAP, text, at))
        if url is None:
            return
        at = url.end()
        if url[0].endswith(","):
            yield url[0].rstrip(",")
            continue
        end = past(_SRCSET_DESCRIPTORS, text, at)
        if _descriptors_fit(text[at:end]):
            yield url[0]
        at = end + 1


def _descriptors_fit(text: str) -> bool:
    """Whether a browser takes the candidate: at most one width, height or density, a height with its width only."""
    units: list[str] = []
    for token in text.split():
        descriptor = _DESCRIPTOR.fullmatch(token)
        if descriptor is None or (descriptor[3] or "").startswith("-") or (descriptor[1] or "1").strip("0") == "":
            return False
        units.append(descriptor[2] or "x")
    return units in ([], ["x"], ["w"], ["w", "h"], ["h", "w"])
