"""Grafana: provisioning, and dashboards generated from Python. `python -m infra.grafana.generate` writes their JSON."""
