"""Example rules, one of each kind: `gridwatch rules example` writes them out."""
