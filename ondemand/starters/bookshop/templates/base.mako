<%!
from datetime import datetime

from ondemand import is_building

section = None
robots = None
kind = "website"
%>\
<%def name="title()">Foolscap Books</%def>\
<%def name="description()">A small shop of old books: novels, plays, poems and other company.</%def>\
<%def name="image()">/covers/moby-dick.svg</%def>\
<!doctype html>
<html lang="en-GB">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${self.title()}</title>
  <meta name="description" content="${self.description()}">
% if self.attr.robots:
  <meta name="robots" content="${self.attr.robots}">
% endif
  <meta property="og:site_name" content="Foolscap Books">
  <meta property="og:type" content="${self.attr.kind}">
  <meta property="og:title" content="${self.title()}">
  <meta property="og:description" content="${self.description()}">
  <meta property="og:image" content="${page.site}${self.image()}">
  <meta name="theme-color" content="#fdfdfa" media="(prefers-color-scheme: light)">
  <meta name="theme-color" content="#111722" media="(prefers-color-scheme: dark)">
  <link rel="icon" href="/favicon.svg" type="image/svg+xml">
  <link rel="alternate" href="/feed.xml" type="application/rss+xml" title="New at Foolscap Books">
  <link rel="stylesheet" href="/style.css">
</head>
<body>
  <a class="skip" href="#main">Skip to the page</a>

  <header class="top">
    <a class="brand" href="/"><img src="/favicon.svg" alt="" width="34" height="34">Foolscap</a>
    <nav aria-label="Shop">
      <a href="/#shelves"${current("shelves")}>Shelves</a>
      <a href="/authors"${current("authors")}>Authors</a>
      <a href="/about"${current("about")}>About</a>
      <a href="/basket"${current("basket")}>Basket<span id="basket-count"></span></a>
    </nav>
    <search>
      <form action="/search">
        <label class="unseen" for="q">Search the shop</label>
        <input id="q" name="q" type="search" value="${context.get("q", "")}" placeholder="Title, author, subject" maxlength="80">
        <button>Search</button>
      </form>
    </search>
  </header>

  <main id="main" tabindex="-1">
${next.body()}\
  </main>

  <footer>
    <nav aria-label="More">
      <a href="/">Front table</a>
      <a href="/feed.xml">New books by RSS</a>
      <a href="/api/books.json">The list as JSON</a>
      <a href="/sitemap.xml">Sitemap</a>
    </nav>
    <p>Foolscap is a demonstration: the books are real, the shop is not.</p>
% if is_building():
    <p class="badge">Static: made by <code>ondemand build</code></p>
% else:
    <p class="badge live">Live: rendered for you at <time>${f"{datetime.now():%H:%M:%S}"}</time></p>
% endif
  </footer>

  <script>
    // The pages are the same for everyone; how many books are in your basket is asked for here.
    addEventListener("pageshow", async () => {
      try {
        const { count } = await (await fetch("/api/basket")).json();
        document.getElementById("basket-count").textContent = count ? " (" + count + ")" : "";
      } catch {}
    });
  </script>
</body>
</html>
<%def name="current(name)">${' aria-current="true"' if self.attr.section == name else "" | n}</%def>\
