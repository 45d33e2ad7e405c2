"""Detectors of the vehicle domain, one a file."""
