<%inherit file="base.mako"/>\
<%! section = "about" %>\
<%def name="title()">About · Foolscap</%def>\
<%def name="description()">Which pages of this shop are files, which are rendered for you, and why.</%def>\
    <article class="prose">
      <h1>About this shop</h1>
      <p>Foolscap is an ordinary FastAPI app: routes, templates and a small SQLite database with ${books} books. Most of
        what it has to show is the same for everybody and changes only when the catalogue does. Those pages,
        <a href="/">the front table</a>, <a href="/authors">the authors</a>, every book and every shelf, are rendered once by
        <code>ondemand build</code> and then sent as files. The footer says “Static”.</p>
      <p>A few things cannot be known in advance. What you type into the <a href="/search">search</a>, what lies in your
        <a href="/basket">basket</a> and how many copies are <a href="/api/stock/moby-dick">still in stock</a> are worked out by
        the same app, in the same process, at the moment you ask. The footer of such a page says “Live”, and when.</p>
      <p>On the static pages the number next to “Basket” and the copies left on a book’s page are filled in by a few lines of script that
        ask the live part. Without script everything still works; you just follow the links. Which page is which is
        decided in <code>main.py</code>, next to each route: look for <code>@prerender</code>.</p>
    </article>
