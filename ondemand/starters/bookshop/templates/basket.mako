<%inherit file="base.mako"/>\
<%! section = "basket"; robots = "noindex" %>\
<%def name="title()">Basket · Foolscap</%def>\
    <h1>Your basket</h1>
% if lines:
    <table class="basket">
      <thead class="unseen">
        <tr><th scope="col">Book</th><th scope="col">Copies</th><th scope="col">Price</th></tr>
      </thead>
      <tbody>
% for book, count in lines:
        <tr>
          <th scope="row">
            <a href="/books/${book.slug}"><img src="${book.cover}" alt="" width="60" height="90"> ${book.title}</a>
            <span>${book.author}</span>
          </th>
          <td class="copies">
            <form method="post" action="/basket/remove/${book.slug}"><button aria-label="One copy of ${book.title} less">−</button></form>
            <b>${count}</b>
            <form method="post" action="/basket/add/${book.slug}"><button aria-label="One copy of ${book.title} more">+</button></form>
          </td>
          <td class="price">${book.price}${f" × {count}" if count > 1 else ""}</td>
        </tr>
% endfor
      </tbody>
      <tfoot>
        <tr><th scope="row" colspan="2">Together</th><td class="price">${total}</td></tr>
      </tfoot>
    </table>
    <p class="lead">There is no till: this is as far as a demonstration goes. Your basket is a cookie in your own browser, and
      this page was rendered from it just now.</p>
% else:
    <p class="lead">Nothing in it yet. The <a href="/#table">front table</a> is a good place to begin.</p>
% endif
