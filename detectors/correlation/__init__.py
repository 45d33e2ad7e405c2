"""Detectors over alerts: what only several alerts together show."""
