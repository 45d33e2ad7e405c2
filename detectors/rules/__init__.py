"""A site's own rules in Sigma's syntax: YAML becomes detectors like any other, without a line of Python.

A rule names its record type as `logsource: {product: gridwatch, category: <record type>}` and speaks of the fields of that record.
Specification: Sigma rules 2.1 and Sigma correlation rules 2.1 (SigmaHQ). pySigma parses; this room turns what it read into
row expressions and memories, and refuses by name, file and line what it cannot turn.
"""
