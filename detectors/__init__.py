"""Threat detectors, their memories and the engine that runs them; no Spark, no Kafka."""
