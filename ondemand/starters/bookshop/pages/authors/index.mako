<%inherit file="/base.mako"/>\
<%!
from itertools import groupby

import catalog

section = "authors"


def frontmatter(page):
    authors = catalog.all_authors()
    letters = [(letter, list(group)) for letter, group in groupby(authors, lambda author: author.letter)]
    return {"authors": authors, "letters": letters}
%>\
<%def name="title()">Authors · Foolscap</%def>\
<%def name="description()">The ${len(authors)} authors at Foolscap Books, from A to Z, with a sentence on each.</%def>\
    <h1>Authors</h1>
    <p class="lead">${len(authors)} people who cannot be asked to sign anything.</p>
    <nav class="letters" aria-label="Letters">
% for letter, _ in letters:
      <a href="#${letter.lower()}">${letter}</a>
% endfor
    </nav>
% for letter, group in letters:

    <section class="letter">
      <h2 id="${letter.lower()}">${letter}</h2>
      <ul class="people">
% for author in group:
        <li>
          <h3><a href="/authors/${author.slug}">${author.name}</a></h3>
          <p class="years">${author.born}–${author.died}, ${author.books} ${"book" if author.books == 1 else "books"}</p>
          <p>${author.bio}</p>
        </li>
% endfor
      </ul>
    </section>
% endfor
