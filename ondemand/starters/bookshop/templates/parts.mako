<%def name="covers(books, eager=False)">\
      <ul class="covers">
% for book in books:
        <li>
          <a href="/books/${book.slug}">
            <img src="${book.cover}" alt="" width="300" height="450"${"" if eager else ' loading="lazy"' | n}>
            <strong>${book.title}</strong>
          </a>
          <span>${book.author}</span>
          <span class="price">${book.price}</span>
        </li>
% endfor
      </ul>
</%def>\
<%def name="shelves(tags)">\
      <ul class="shelves">
% for tag in tags:
        <li><a href="/tags/${tag.slug}"><strong>${tag.name}</strong> <span>${tag.about}</span> <b>${tag.books}<i class="unseen"> books</i></b></a></li>
% endfor
      </ul>
</%def>\
