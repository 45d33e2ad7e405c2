"""Landing: alerts and dead letters from Kafka into PostgreSQL and Parquet, exactly once in effect.

The protocol, with PostgreSQL as the judge and Parquet as its copy:

1. *Land.* One transaction inserts a batch (`ON CONFLICT DO NOTHING` on the alert's id, so an alert that the detection
   job published again changes nothing) and moves the Kafka positions behind it. Killed before the commit, the batch is
   read again; killed after it, it is not. The positions count, not the offsets committed to the broker.
2. *Plan.* One transaction takes rows that name no file, makes an entry in the ledger `lake_file` and writes its number
   into the rows. From then on the content of that file is fixed, and a row is in one file because it has one number.
3. *Write.* The file of each entry not marked as written is made from its rows under a hidden name, flushed, renamed,
   then the entry is marked. Killed anywhere here, the next start makes the same file, of the same rows and under the
   same name, again.

So no file ever shows that PostgreSQL does not know, none is there twice, and after the last step rows in PostgreSQL =
rows in Parquet = distinct ids on the topic. Steps 2 and 3 have a thread
and a connection of their own: no row waits for a disk.
"""
