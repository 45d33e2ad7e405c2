"""The triage service: pages and an interface for programs on which people work on incidents."""
