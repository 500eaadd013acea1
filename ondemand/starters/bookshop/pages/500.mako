<%inherit file="/base.mako"/>\
<%! robots = "noindex" %>\
<%def name="title()">Something went wrong · Foolscap</%def>\
    <section class="pad lost">
      <div>
        <h1>We have spilled the ink.</h1>
        <p>Something went wrong on our side, and it has been written down. The same page may well work in a minute.</p>
        <p><a class="button" href="/">Back to the front table</a></p>
      </div>
    </section>
