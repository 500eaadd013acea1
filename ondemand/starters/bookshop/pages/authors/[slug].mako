<%inherit file="/base.mako"/>\
<%namespace name="parts" file="/parts.mako"/>\
<%!
import catalog
from ondemand import StaticPath

section = "authors"
kind = "profile"


def static_paths():
    for author in catalog.all_authors():
        yield StaticPath({"slug": author.slug}, props={"author": author, "books": catalog.books_by(author)})


def frontmatter(page):
    return page.props
%>\
<%def name="title()">${author.name} · Foolscap</%def>\
<%def name="description()">${author.bio}</%def>\
<%def name="image()">${books[0].cover}</%def>\
    <p class="crumbs"><a href="/authors#${author.letter.lower()}">Authors</a></p>
    <h1>${author.name}</h1>
    <p class="years">${author.born}–${author.died}</p>
    <p class="lead">${author.bio}</p>

    <section>
      <h2>${f"{len(books)} books" if len(books) > 1 else "One book"} in the shop</h2>
${parts.covers(books, eager=True)}\
    </section>
