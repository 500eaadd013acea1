"""What Astro really answers, and what we answer: recorded cases from `data/`, run over our API.

    python -m tests.conformance [--conformance DIR] [--area A] [--id TEXT] [-v]

`cases.py` reads them, `vectors/` holds one module for each subject of vectors, `sites/` the pages of the HTTP cases,
`decisions.py` says what a difference needs to be one by decision, `judging.py` sorts, `table.py` prints.
"""
