"""Sources: protocols turned into records of a schema and published. Nothing is detected here."""
