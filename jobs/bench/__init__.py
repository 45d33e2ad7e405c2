"""The benchmark: how fast detection is, as ratios of what the same machine does in the same run."""
