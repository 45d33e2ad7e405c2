"""What the figures were measured on."""

import os
import platform
from importlib.metadata import version
from typing import Any


def machine() -> dict[str, Any]:
    """Processors, their load over the last minute, and the versions that matter."""
    packages = ("pyspark", "polars", "pyarrow", "numpy", "confluent-kafka", "scikit-learn")
    return {
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: version(name) for name in packages},
    }
