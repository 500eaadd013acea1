<%inherit file="base.mako"/>\
<%namespace name="parts" file="parts.mako"/>\
<%! robots = "noindex" %>\
<%def name="title()">${f"Search for {q}" if q else "Search"} · Foolscap</%def>\
% if books:
    <h1>${len(books)} ${"book" if len(books) == 1 else "books"} for “${q}”</h1>

${parts.covers(books, eager=True)}\
% else:
    <h1>${f"Nothing here for “{q}”" if q else "What are you looking for?"}</h1>
% if q:
    <p class="lead">Fewer words often find more. Or walk along the shelves instead.</p>
% else:
    <p class="lead">A title, a name, a year, a word you remember from the back of the book: put it into the field at the top.
      Accents do not matter, so <a href="/search?q=bronte">bronte</a> will do.</p>
% endif

    <section>
      <h2>The shelves</h2>
${parts.shelves(tags)}\
    </section>
% endif
