"""The security cases: attacks as data (`cases.jsonl`), each of which is a test. See `cases.py` for what a line says."""
