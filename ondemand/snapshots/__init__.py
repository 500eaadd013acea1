"""Snapshots: the manifest that lists them, the store that keeps them, the server that answers with them."""
