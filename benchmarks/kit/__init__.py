"""What the benchmarks share: driving our client and its peers over the same work, and judging all by one truth log."""
