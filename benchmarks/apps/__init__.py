"""The apps that our own rows measure. Peers' are in `benchmarks/peers`."""
