"""What our rows are compared with: each peer as its own documentation says to use it, with the pages of `benchmarks.pages`."""
