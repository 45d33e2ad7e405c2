"""Panels of how detection fares, from what it tells Prometheus (`jobs.detect.metrics`)."""

from typing import Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.panels import measured_over_time

#: Why a panel is empty.
_NOTHING: Final = "Prometheus has nothing: detection runs without --metrics, or is not scraped"
_RATE: Final = "[$__rate_interval]"


def _rate(counter: str, by: str = "domain") -> str:
    return f"sum by ({by}) (rate({counter}{_RATE}))"


def lag() -> Builder[Panel]:
    """Records that wait."""
    return measured_over_time(
        "Lag of detection",
        "Records of each partition that no batch has finished.",
        {"{{topic}} {{partition}}": "sum by (topic, partition) (gridwatch_detect_lag_records)"},
        "short",
        _NOTHING,
    )


def delay() -> Builder[Panel]:
    """Since when they wait."""
    return measured_over_time(
        "Delay of detection",
        "How long the oldest record waits that no batch has finished. This takes the place of a watermark in event time, which "
        "any sender could move by a forged time.",
        {"{{topic}}": "max by (topic) (gridwatch_detect_delay_seconds)"},
        "s",
        _NOTHING,
    )


def rates() -> Builder[Panel]:
    """What comes and what is read."""
    return measured_over_time(
        "Input and processed rate",
        "Records a second that are published to the topic of a domain, and those that batches read.",
        {
            "{{domain}} published": _rate("gridwatch_detect_published_total"),
            "{{domain}} read": _rate("gridwatch_detect_records_total"),
        },
        "cps",
        _NOTHING,
    )


def batches() -> Builder[Panel]:
    """How long a batch takes."""
    return measured_over_time(
        "Batch duration",
        "From the begin of a batch until its alerts are acknowledged by Kafka and its state is safe: mean, and 99th percentile.",
        {
            "{{domain}} mean": f"{_rate('gridwatch_detect_batch_seconds_sum')} / {_rate('gridwatch_detect_batch_seconds_count')}",
            "{{domain}} p99": f"histogram_quantile(0.99, {_rate('gridwatch_detect_batch_seconds_bucket', 'domain, le')})",
        },
        "s",
        _NOTHING,
    )


def state() -> Builder[Panel]:
    """What is remembered."""
    return measured_over_time(
        "State size",
        "What the detectors remember, as it lies in files. It is bounded for each key: it grows with the site, not with time.",
        {"{{domain}}": "sum by (domain) (gridwatch_detect_state_bytes)"},
        "bytes",
        _NOTHING,
    )


def silence() -> Builder[Panel]:
    """Whether batches end."""
    return measured_over_time(
        "Since the last batch",
        "Time since a batch of the domain ended. Each domain has one a second, also in silence; correlation has none while there "
        "are no alerts.",
        {"{{domain}}": "time() - max by (domain) (gridwatch_detect_batch_ended_timestamp_seconds)"},
        "s",
        _NOTHING,
    )


def consumers() -> Builder[Panel]:
    """The other jobs."""
    return measured_over_time(
        "Lag of landing, archive and sums",
        "Records that wait for the other jobs, as they tell the broker and kafka-exporter tells Prometheus.",
        {
            "{{consumergroup}} {{topic}}": "sum by (consumergroup, topic) "
            '(kafka_consumergroup_lag{consumergroup=~"gridwatch-.*"})'
        },
        "short",
        "Prometheus has nothing: kafka-exporter is not scraped",
    )


def refused() -> Builder[Panel]:
    """What cannot be read."""
    return measured_over_time(
        "Records that detection refuses",
        "Records a second that cannot be read, by domain and reason.",
        {"{{domain}} {{reason}}": _rate("gridwatch_detect_refused_total", "domain, reason")},
        "cps",
        "nothing was ever refused, or detection runs without --metrics",
    )


def written() -> Builder[Panel]:
    """Alerts by detector, before landing."""
    return measured_over_time(
        "Alerts as detection writes them",
        "Alerts a second of the ten busiest detectors of these domains, before anything is landed or suppressed.",
        {
            "{{detector}}": "topk(10, sum by (detector) "
            f'(rate(gridwatch_detect_alerts_total{{domain=~"$domain"}}{_RATE})))'
        },
        "cps",
        "detection found nothing yet, or runs without --metrics",
    )
