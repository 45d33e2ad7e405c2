"""Sums of the telemetry for dashboards: who talks to whom, process values, tracks, which assets there are."""
