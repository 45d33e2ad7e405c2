"""The lab: simulated substations, vehicles and meters with real traffic and injected attacks."""
