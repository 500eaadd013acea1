<%inherit file="/base.mako"/>\
<%!
import catalog

section = "about"


def frontmatter(page):
    return {"books": len(catalog.all_books())}
%>\
<%def name="title()">About · Foolscap</%def>\
<%def name="description()">Which pages of this shop are files, which are rendered for you, and why.</%def>\
    <article class="prose">
      <h1>About this shop</h1>
      <p>Foolscap is an ordinary FastAPI app with ${books} books in a small SQLite database. Most of what it has to show is the
        same for everybody and changes only when the catalogue does. Those pages, <a href="/">the front table</a>,
        <a href="/authors">the authors</a>, every book and every shelf, are rendered once by <code>ondemand build</code> and then
        sent as files. The footer says “Static”.</p>
      <p>A few things cannot be known in advance. What you type into the <a href="/search?q=sea">search</a>, what lies in your
        <a href="/basket">basket</a> and how many copies are <a href="/api/stock/moby-dick">still in stock</a> are worked out by
        the same app, in the same process, at the moment you ask. The footer of such a page says “Live”, and when.</p>
      <p>The search is slow on purpose: it takes almost half a second. You need not wait for it with an empty window. The
        top of the page is sent at once, and the books follow in the same answer, without a line of script.</p>
      <p>On the static pages the number next to “Basket” and the copies left on a book’s page are filled in by a few lines of
        script that ask the live part. Without script everything still works; you just follow the links.</p>
      <h2>Where things are</h2>
      <p>Books, shelves and the basket are routes in <code>main.py</code>; <code>@prerender</code> says which of them are static.
        This page, the authors, the search, the feed and the pages for errors are files in <code>pages/</code>: the name of the
        file is its address. All of them look alike because they inherit <code>templates/base.mako</code>.</p>
    </article>
