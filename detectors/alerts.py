"""From hits to alerts: ids, sentences and evidence, vectorised over the hits of one detector."""

import hashlib
from collections.abc import Mapping

import polars as pl

from detectors.detector import Detector
from detectors.memory.recent import REFERENCE
from detectors.sentences import sentence
from schemas.types import Schema

#: References that an alert keeps as evidence, the deciding record included.
EVIDENCE = 50
#: Bounds of what a hostile record may put into an alert, so that it fits in a message: characters of a name or sentence, of a
#: text within the evidence, items of a list there, frames of all the evidence, characters of an alert's id.
TEXT, WORD, ITEMS, FRAMES, ID = 1024, 512, 256, 1000, 128
_TEXTS = ("site", "entity", "source", "destination", "title", "observed", "expected", "dedup")


def _ids(keys: pl.Series) -> pl.Series:
    """BLAKE2b of each key, 128 bits as hexadecimal text."""
    return pl.Series(
        "alert_id", [hashlib.blake2b(k.encode(), digest_size=16).hexdigest() for k in keys], dtype=pl.String
    )


def describe(
    detector: Detector,
    schema: Schema,
    hits: pl.DataFrame,
    values: Mapping[str, pl.Expr],
    trail: tuple[str, ...],
    site_field: str,
    model_version: str | None = None,
) -> pl.DataFrame:
    """The alerts that these hits would raise, one a hit, in the columns of ALERT but `detected`.

    Args:
        detector: who fired.
        schema: record type of the hits.
        hits: the records that begin an episode, with their memories and engine columns.
        values: named expressions for the sentences.
        trail: columns of references to earlier records of the evidence.
        site_field: the locality field.
        model_version: digest of the model, for learned detectors.

    Returns:
        The columns of ALERT but `detected`, and `_row`.
    """
    floats = frozenset(
        [n for n, t in hits.schema.items() if t.is_float()]
        + [n for n, e in values.items() if hits.lazy().select(e.alias(n)).collect_schema()[n].is_float()]
    )
    parties = detector.parties
    identity = [_text(name, hits.schema[name]) for name in schema.identity]
    key = pl.concat_str(
        [
            pl.lit(f"{detector.id}|{detector.version}"),
            # The same address may stand in two substations, the same pseudonym before two receivers.
            _plain(site_field),
            _plain(parties.entity),
            pl.col("time").dt.epoch("us").cast(pl.String),
            *identity,
        ],
        separator="|",
    )
    references = pl.concat_list([*(_as_list(name, hits.schema[name]) for name in trail), pl.concat_list(REFERENCE)])
    # Of a record that several trails name the last mention stays: the deciding record is the last of all, and never cut off.
    references = (
        references.list.reverse().list.eval(pl.element().drop_nulls().unique(maintain_order=True)).list.reverse()
    )
    record = [name for name in schema.names if name in hits.columns]
    out = hits.select(
        pl.col("_row"),
        key.alias("alert_id"),
        "time",
        pl.lit(detector.id).alias("detector"),
        pl.lit(detector.version, dtype=pl.Int32).alias("detector_version"),
        pl.lit(model_version, dtype=pl.String).alias("model_version"),
        pl.lit(detector.threat.id).alias("threat"),
        pl.lit(detector.threat.technique.id).alias("technique"),
        pl.lit(detector.severity.value, dtype=pl.Int32).alias("severity_id"),
        pl.lit(detector.confidence.value, dtype=pl.Int32).alias("confidence_id"),
        pl.lit(schema.domain.value).alias("domain"),
        pl.lit(schema.name).alias("record"),
        _plain(site_field).alias("site"),
        pl.lit(parties.kind).alias("entity_kind"),
        _plain(parties.entity).alias("entity"),
        (_plain(parties.source) if parties.source else pl.lit(None, dtype=pl.String)).alias("source"),
        (_plain(parties.destination) if parties.destination else pl.lit(None, dtype=pl.String)).alias("destination"),
        sentence(detector.says, values, floats).alias("title"),
        sentence(detector.observed, values, floats).alias("observed"),
        sentence(detector.expected, values, floats).alias("expected"),
        pl.concat_str([pl.lit(detector.id), *(_plain(name) for name in detector.dedup)], separator="|").alias("dedup"),
        pl.lit(list(detector.runbook), dtype=pl.List(pl.String)).alias("runbook"),
        pl.col("_topic").alias("topic"),
        pl.col("_partition").alias("partition"),
        "capture",
        references.list.tail(EVIDENCE).alias("_references"),
        pl.struct(_printable(name, hits.schema[name]) for name in record).struct.json_encode().alias("_record"),
    )
    return _evidence(out.with_columns(_ids(out["alert_id"]), *(_cut(pl.col(name), TEXT) for name in _TEXTS)))


def _evidence(alerts: pl.DataFrame) -> pl.DataFrame:
    refs = pl.col("_references")
    times = refs.list.eval(pl.element().struct.field("time"))
    offsets = refs.list.eval(pl.element().struct.field("offset").drop_nulls())
    frames = refs.list.eval(pl.element().struct.field("frames").list.explode(empty_as_null=False, keep_nulls=False))
    as_time = pl.Datetime("us", "UTC")
    inner = alerts.schema["_references"].inner  # type: ignore[attr-defined]  # of a list
    of_alerts = any(f.name == "alert_id" for f in inner.fields)
    related = refs.list.eval(pl.element().struct.field("alert_id")) if of_alerts else pl.lit(None)
    return alerts.with_columns(
        # A tick that finds keys silent has no record to refer to.
        times.list.min().cast(as_time).fill_null(pl.col("time")).alias("first_time"),
        times.list.max().cast(as_time).fill_null(pl.col("time")).alias("last_time"),
        pl.when(offsets.list.len() > 0).then(offsets).alias("offsets"),
        pl.when(pl.col("capture").is_not_null()).then(frames.list.tail(FRAMES)).alias("frames"),
        pl.concat_list("_record").alias("evidence"),
        related.cast(pl.List(pl.String)).alias("related"),
        pl.lit(None, dtype=pl.String).alias("storm"),
        pl.lit(None, dtype=pl.String).alias("suppression"),
    ).drop("_references", "_record")


def _plain(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null("unknown")


def _printable(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List):
        # Short ones, and fewer: as JSON each character may take six bytes.
        if dtype.inner == pl.String:
            return pl.col(name).list.head(ITEMS // 4).list.eval(_cut(pl.element(), 64))
        return pl.col(name).list.head(ITEMS)
    if dtype == pl.Binary:
        return _cut(pl.col(name).bin.encode("hex"), WORD)
    return _cut(pl.col(name), WORD) if dtype == pl.String else pl.col(name)


def _cut(text: pl.Expr, most: int) -> pl.Expr:
    return pl.when(text.str.len_chars() > most).then(text.str.head(most - 1) + "\u2026").otherwise(text)


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return pl.col(name).cast(pl.List(pl.String)).list.join(",").fill_null("")
    if dtype == pl.Binary:
        return pl.col(name).bin.encode("hex").fill_null("")
    return pl.col(name).cast(pl.String).fill_null("")


def _as_list(name: str, dtype: pl.DataType) -> pl.Expr:
    # A memory without a past gives null, and a null list would swallow the other references.
    return pl.col(name).fill_null(pl.lit([], dtype=dtype)) if isinstance(dtype, pl.List) else pl.concat_list(name)
