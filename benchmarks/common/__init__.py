"""What several benchmarks share: photos and networks, tables, and files that a run goes on from."""
