"""Whom Grafana tells of our alerts, and how they are put together: one notification an incident, whatever rules fire for it."""

from typing import Any, Final

from infra.grafana.alert_rules import MARK

NAME: Final = "gridwatch"
TEMPLATE: Final = "gridwatch"
#: Variables of Grafana's environment, each for itself.
WEBHOOK: Final = "${ALERT_WEBHOOK_URL}"
EMAIL: Final = "${ALERT_EMAIL}"

#: Two templates: one line, and one paragraph an alert with its links. Without `$`, as in the rules.
TEXT: Final = """\
{{ define "gridwatch.title" -}}
{{ if .Alerts.Firing }}{{ (index .Alerts.Firing 0).Annotations.summary }}
{{- else }}Resolved: {{ (index .Alerts 0).Annotations.summary }}{{ end }}
{{- end }}
{{ define "gridwatch.message" -}}
{{ range .Alerts -}}
{{ .Status }}: {{ .Labels.alertname }}
{{ .Annotations.summary }}
{{ .Annotations.description }}
{{ if .Annotations.console }}Console: {{ .Annotations.console }}
Grafana: {{ .Annotations.dashboard }}
{{ end }}
{{ end -}}
{{- end }}
"""


def receivers(webhook: str, email: str) -> list[dict[str, Any]]:
    """The ways of the contact point.

    Args:
        webhook: address that gets Grafana's JSON; "" for none.
        email: addresses, separated by semicolons; "" for none.
    """
    found: list[dict[str, Any]] = []
    texts = {"message": '{{ template "gridwatch.message" . }}'}
    title = '{{ template "gridwatch.title" . }}'
    if webhook:
        settings: dict[str, Any] = {"url": webhook, "httpMethod": "POST", "title": title, **texts}
        found.append(
            {"uid": "gridwatch-webhook", "type": "webhook", "settings": settings, "disableResolveMessage": False}
        )
    if email:
        settings = {"addresses": email, "singleEmail": True, "subject": title, **texts}
        found.append({"uid": "gridwatch-email", "type": "email", "settings": settings, "disableResolveMessage": False})
    return found


def route() -> dict[str, Any]:
    """The branch of the notification policies for our alerts.

    Rules about the same incident share a group, so that one notification tells of it, and again when it is worse, overdue or resolved.
    """
    ((label, value),) = MARK.items()
    return {
        "receiver": NAME,
        "object_matchers": [[label, "=", value]],
        "group_by": ["alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "routes": [
            {
                "receiver": NAME,
                "object_matchers": [["incident_id", "=~", ".+"]],
                "group_by": ["incident_id"],
                "group_wait": "10s",
                "group_interval": "1m",
                "repeat_interval": "4h",
            }
        ],
    }


def files() -> dict[str, dict[str, Any]]:
    """File name of provisioning/alerting -> content."""
    # A variable that is not set must not leave the setting empty, or Grafana would not start: what stands behind it here is never
    # sent (a fragment of an address), or means nothing (a further, empty address).
    point = {"orgId": 1, "name": NAME, "receivers": receivers(f"{WEBHOOK}#gridwatch", f"{EMAIL};")}
    policy = {"orgId": 1, "receiver": NAME, "group_by": ["grafana_folder", "alertname"], "routes": [route()]}
    return {
        "contact_points.yaml": {"apiVersion": 1, "contactPoints": [point]},
        "policies.yaml": {"apiVersion": 1, "policies": [policy]},
        "templates.yaml": {"apiVersion": 1, "templates": [{"orgId": 1, "name": TEMPLATE, "template": TEXT}]},
    }
