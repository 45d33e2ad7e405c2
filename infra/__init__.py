"""The embedded stack, Spark settings and what a deployment needs."""
