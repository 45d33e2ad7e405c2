"""The streaming detection job: one Spark query a domain, one scan, one decode, one shuffle, one crossing to Python."""
