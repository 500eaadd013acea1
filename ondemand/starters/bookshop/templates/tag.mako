<%inherit file="base.mako"/>\
<%namespace name="parts" file="parts.mako"/>\
<%! section = "shelves" %>\
<%def name="title()">${tag.name}${f", page {number}" if number > 1 else ""} · Foolscap</%def>\
<%def name="description()">${tag.about} ${tag.books} books on the shelf “${tag.name}” at Foolscap Books${f", page {number} of {tag.last_page}" if number > 1 else ""}.</%def>\
<%def name="image()">${books[0].cover}</%def>\
<%def name="address(number)">/tags/${tag.slug}${f"/{number}" if number > 1 else ""}</%def>\
    <p class="crumbs"><a href="/#shelves">The shelves</a></p>
    <h1>${tag.name}</h1>
    <p class="lead">${tag.about} ${tag.books} books${f", page {number} of {tag.last_page}" if tag.last_page > 1 else ""}.</p>

${parts.covers(books, eager=True)}\
% if tag.last_page > 1:

    <nav class="pages" aria-label="Pages">
% if number > 1:
      <a rel="prev" href="${address(number - 1)}">Previous</a>
% endif
% for other in range(1, tag.last_page + 1):
      <a href="${address(other)}" aria-label="Page ${other}"${' aria-current="page"' if other == number else "" | n}>${other}</a>
% endfor
% if number < tag.last_page:
      <a rel="next" href="${address(number + 1)}">Next</a>
% endif
    </nav>
% endif
