"""What quiet traffic says of a site: one learner a kind of record, each from bounded sums to site facts (`gridwatch learn`)."""

from detectors.learned import can, dnp3, goose, iec104, meters, mms, modbus
from detectors.learned.learner import Learner

LEARNERS: tuple[Learner, ...] = (
    modbus.LEARNER,
    iec104.LEARNER,
    goose.LEARNER,
    dnp3.LEARNER,
    mms.LEARNER,
    can.LEARNER,
    meters.LEARNER,
)
