"""What `benchmarks/classification.py` is made of."""
