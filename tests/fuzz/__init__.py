"""Any bytes from the network, any damage on disk: properties of the parsers.

The tests of each module hold its own; those here are about what several of them do together. In the suite each runs on a few
hundred inputs, the same every time. `python -m tests.fuzz` runs all of them for longer, on inputs of its own, and counts them.
"""
