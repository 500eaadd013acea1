"""One behaviour on every framework: the same small site, written in each, passes the same cases."""
