"""Pages about results, wherever they were kept: a run's folder, a store, groups of a store."""
