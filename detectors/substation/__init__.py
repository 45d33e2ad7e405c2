"""Detectors of the substation domain, one a file."""
