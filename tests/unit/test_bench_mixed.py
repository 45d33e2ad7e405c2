"""The mixed traffic of a domain: its record types in equal shares, at localities of their own, with the facts that go with it."""

from collections import Counter

import pytest

from detectors.site import parse_site
from jobs.bench import domains
from jobs.bench.mixed import COPIES, mix
from schemas.types import TELEMETRY_DOMAINS, Domain
from schemas.wire import encode


@pytest.mark.parametrize("domain", TELEMETRY_DOMAINS, ids=lambda d: d.value)
def test_the_mix_of_a_domain(domain: Domain) -> None:
    traffic = mix(domain, 4_000, seed=1)
    types = Counter(record.schema.name for record in traffic.records if record.schema.domain is domain)
    assert types
    for record in traffic.records[:200]:
        encode(record.schema, record.fields)
    localities = {str(record.fields[record.schema.locality]) for record in traffic.records}
    assert len({name.rpartition("~")[2] for name in localities if "~" in name}) == COPIES - 1
    parse_site(traffic.site, "test")
    costs = domains.measure(domain, traffic, 4)
    assert costs["engine_us"] > 0
