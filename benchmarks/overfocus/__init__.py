"""Does Saliency Guided Dropout make networks look at more of the image, and get more right?

Read `benchmarks/sgdrop.py` for the commands, `benchmarks/README.md` for the rules and columns.
"""
