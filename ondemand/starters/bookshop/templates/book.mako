<%inherit file="base.mako"/>\
<%namespace name="parts" file="parts.mako"/>\
<%! section = "shelves"; kind = "book" %>\
<%def name="title()">${book.title} by ${book.author} · Foolscap</%def>\
<%def name="description()">${book.blurb}</%def>\
<%def name="image()">${book.cover}</%def>\
    <article class="book" style="--tint: ${book.colour}">
      <img class="cover" src="${book.cover}" alt="Cover of ${book.title} by ${book.author}" width="300" height="450">
      <div>
        <h1>${book.title}</h1>
        <p class="by">by <a href="/authors/${author.slug}">${author.name}</a></p>
        <p class="lead">${book.blurb}</p>
        <form class="buy" method="post" action="/basket/add/${book.slug}">
          <b>${book.price}</b>
          <button>Add to basket</button>
        </form>
        <p class="stock" id="stock" role="status"><a href="/api/stock/${book.slug}">How many are left?</a></p>
        <dl>
          <div><dt>First published</dt><dd>${book.year}</dd></div>
          <div><dt>Length</dt><dd>${book.pages} pages</dd></div>
          <div>
            <dt>Shelves</dt>
            <dd class="tags">
% for tag in tags:
              <a href="/tags/${tag.slug}">${tag.name}</a>
% endfor
            </dd>
          </div>
        </dl>
      </div>
    </article>

    <section class="prose">
      <h2>The author</h2>
      <p>${author.bio}</p>
      <p><a href="/authors/${author.slug}">${f"All {author.books} books" if author.books > 1 else "More"} by ${author.name}</a></p>
    </section>

    <section>
      <h2>From the same shelves</h2>
${parts.covers(similar)}\
    </section>

    <script>
      // This page is static, the number of copies is not.
      addEventListener("pageshow", async () => {
        const stock = document.getElementById("stock");
        try {
          const { in_stock, at } = await (await fetch("/api/stock/${book.slug}")).json();
          stock.textContent = in_stock + " in stock, counted at " + at;
        } catch {}
      });
    </script>
