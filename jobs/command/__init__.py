"""The one command, `gridwatch`."""
