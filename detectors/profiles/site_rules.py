"""The threat of a rule that a site wrote itself, where its tags name none of the profiles."""

from detectors.profiles.threat import Fit, Severity, Technique, Threat


def site_rule(technique: str) -> Threat:
    """A threat of its own, outside the 67 of the profiles.

    Args:
        technique: ATT&CK for ICS id of the rule's tag; "" where it has none.
    """
    return Threat(
        id="RULE",
        title="A rule of the site",
        domain="site",
        service="site",
        asset="what the rule names",
        observable="what the rule says",
        streams=(),
        severity=Severity.MEDIUM,
        stride=(),
        technique=Technique(technique or "none", "as the rule's tag says", (), Fit.APPROXIMATE),
        references=(),
        response=(),
        gap="",
    )
