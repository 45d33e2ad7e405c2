"""The detectors run from inside an archive, as `spark-submit --py-files` gives them to a cluster."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_models_are_found_in_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "gridwatch.whl"
    with zipfile.ZipFile(archive, "w") as out:
        for package in ("schemas", "detectors"):
            for path in sorted((ROOT / package).rglob("*.*")):
                out.write(path, path.relative_to(ROOT))
    program = (
        "from detectors import scoring; from detectors.catalog import DETECTORS; "
        "print(scoring.__file__, [scoring.load_model(d.kind.reference).threshold > 0 for d in DETECTORS "
        "if hasattr(d.kind, 'reference')])"
    )
    environment = os.environ | {"PYTHONPATH": str(archive)}
    called = [sys.executable, "-c", program]
    done = subprocess.run(called, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{archive}/detectors/scoring.py [True]"
