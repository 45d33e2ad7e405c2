"""Incidents for other systems and other people: OCSF, STIX, CEF, and charts for pages."""
