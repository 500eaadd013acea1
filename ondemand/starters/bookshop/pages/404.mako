<%inherit file="/base.mako"/>\
<%! robots = "noindex" %>\
<%def name="title()">Page not found · Foolscap</%def>\
    <section class="pad lost">
      <div>
        <h1>This page has been torn out.</h1>
        <p>There is nothing at this address; perhaps there once was. The rest of the shop is intact.</p>
        <p><a class="button" href="/">Back to the front table</a></p>
      </div>
    </section>
