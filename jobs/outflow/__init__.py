"""Incidents flow out: to a webhook, to Kafka, to syslog; at least once, each incident's states in their order."""
