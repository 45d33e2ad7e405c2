"""Projections of a record schema to Avro, Arrow, Spark and PostgreSQL."""
