"""Threat profiles: what is attacked, what is seen of it, and what to do."""
