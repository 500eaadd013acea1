<%inherit file="/base.mako"/>\
<%namespace name="parts" file="/parts.mako"/>\
<%!
import asyncio

import catalog

prerender = False  # rendered for whoever asks
robots = "noindex"


async def search(q):
    await asyncio.sleep(0.4)  # slow on purpose: the page is on screen meanwhile, down to the place of the books
    return await asyncio.to_thread(catalog.search_books, q)


def frontmatter(page):
    q = catalog.plain(page.request.query.get("q", ""))
    return {"q": q, "results": search(q) if q else None, "tags": catalog.all_tags()}
%>\
<%def name="title()">${f"Search for {q}" if q else "Search"} · Foolscap</%def>\
% if q:
    <h1>Books for “${q}”</h1>
    <p class="lead looking">Looking along the shelves…</p>
    <% books = await_(results) %>
    % if books:
    <p class="lead">${f"{len(books)} books" if len(books) > 1 else "One book"} found.</p>

${parts.covers(books, eager=True)}\
    % else:
    <p class="lead">Nothing here. Fewer words often find more. Or walk along the shelves instead.</p>

${shelves()}\
    % endif

    <aside class="note">
      <h2>How this page is served</h2>
      <p>In two parts. The search takes almost half a second here, and the top of the page did not wait for it: what was found
        followed in the same answer, without a line of script. <a href="/about">More about that</a></p>
    </aside>
% else:
    <h1>What are you looking for?</h1>
    <p class="lead">A title, a name, a year, a word you remember from the back of the book: put it into the field at the top.
      Accents do not matter, so <a href="/search?q=bronte">bronte</a> will do.</p>

${shelves()}\
% endif
<%def name="shelves()">\
    <section>
      <h2>The shelves</h2>
${parts.shelves(tags)}\
    </section>
</%def>\
