"""Detectors of the metering domain, one a file."""
