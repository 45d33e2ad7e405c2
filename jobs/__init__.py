"""How Spark, Kafka, files and PostgreSQL drive the detectors; settings and the command."""
