"""Fitting the learned detectors, apart from running them: nothing here is imported by the engine."""
