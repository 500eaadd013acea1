"""The figures of `ondemand` beside those of its peers: `python -m benchmarks`.

Only what is measured in one run on one machine is compared. `measures.py` lists what there is; each measure lives in a
module of its own that says what it measures and why in that way.
"""
