"""The algebra of memories: incremental, bounded, split-invariant, one primitive a file."""
