"""Runs over many images: one explainer, where its results go, and who does the work."""
