<%! from benchmarks.parts import HEAD %>\
${HEAD | n}${last | n}</body></html>
