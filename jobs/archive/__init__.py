"""Archiving: telemetry from Kafka into the Parquet lake, each record once.

Files lie under `telemetry/domain=…/record=…/hour=…`. The hour is that of the broker's arrival time, which no sender can
forge: a stranger's event times cannot scatter files over every hour there ever was. Filter on the column `time` for
event time. Beside the fields of the contract stand `_partition`, `_offset` (the evidence of an alert names them) and
`_broker` (arrival, microseconds since 1970).

The protocol, for each topic by itself; nothing but the lake is needed:

1. *Write.* The files of a roll are written under hidden names, flushed. Killed here, the next start removes them.
2. *Decide.* The topic's manifest is replaced, in one rename: it holds the next offset of each partition and the names
   of the files of this roll. From now on the roll counts.
3. *Reveal.* The files get their names. Killed here, the next start reveals the rest, for the manifest names them.

A start begins at the manifest's offsets, so no record is read into two rolls. The offsets committed to the broker are a
report for monitoring. What does not decode is counted here and passed over: the detection job makes the dead letter.
"""
