"""Projections of a schema: one module per target."""
