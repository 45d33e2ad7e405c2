"""Detectors of sensor, home, mobile, multicast and IPTV networks."""
