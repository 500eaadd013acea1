<%inherit file="base.mako"/>\
<%namespace name="parts" file="parts.mako"/>\
<%def name="title()">Foolscap Books: old books, freshly opened</%def>\
    <section class="pad">
      <div>
        <h1>Old books, freshly opened.</h1>
        <p>Whales, governesses, lightning, one very large insect. A small shop of novels, plays and poems that have been
          new for a hundred years or more.</p>
        <p><a class="button" href="#table">See the front table</a></p>
      </div>
      <p class="fan" aria-hidden="true">
% for book in (books[2], books[0], books[1]):
        <img src="${book.cover}" alt="" width="300" height="450">
% endfor
      </p>
    </section>

    <section>
      <h2 id="table">On the front table</h2>
${parts.covers(books)}\
    </section>

    <section>
      <h2 id="shelves">The shelves</h2>
${parts.shelves(tags)}\
    </section>

    <aside class="note">
      <h2>How this page is served</h2>
      <p>From a file. It was rendered once, when the shop was built, and will stay as it is until the next build. So will every
        book, author and shelf. Only the <a href="/search">search</a>, your <a href="/basket">basket</a> and the number of
        copies left are worked out at the moment you ask. <a href="/about">More about that</a></p>
    </aside>
