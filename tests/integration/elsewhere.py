"""Commands of the documentation that `test_docs` does not run, and where they are run."""

from typing import Final

#: Commands that this test does not run, and the test or file that does.
ELSEWHERE: Final = {
    "make demo": "jobs/demo/run.py",  # two minutes; its own audit is its test
    "make test": ".ci/run",  # runs this test
    "gridwatch ingest tap -i eth1 --site-name substation-1": "tests/unit/test_tap_process.py::test_a_real_exchange_on_loopback",
    "gridwatch detect": "tests/integration/test_docs.py::test_the_jobs_run_as_the_readme_says",
    "gridwatch detect --metrics 127.0.0.1:9108": (
        "tests/integration/test_detect_metrics.py::test_the_command_as_the_documents_say"
    ),
    "gridwatch land": "tests/integration/test_docs.py::test_the_jobs_run_as_the_readme_says",
    "gridwatch archive": "tests/integration/test_docs.py::test_the_jobs_run_as_the_readme_says",
    "gridwatch observe": "tests/integration/test_docs.py::test_the_jobs_run_as_the_readme_says",
    "gridwatch console": "tests/integration/test_docs.py::test_the_jobs_run_as_the_readme_says",
    "gridwatch grafana push --url https://grafana.example.org --dry-run": (
        "tests/unit/test_grafana_push.py::test_a_dry_run_shows_all_and_writes_nothing"
    ),
    "gridwatch grafana push --url https://grafana.example.org": (
        "tests/unit/test_grafana_push.py::test_what_is_pushed_is_what_was_generated"
    ),
    **dict.fromkeys(
        (
            "gridwatch incident show 3f2a91",
            "gridwatch incident acknowledge 3f2a91",
            "gridwatch incident assign 3f2a91 --to anna",
            'gridwatch incident comment 3f2a91 "the relay is being tested"',
            'gridwatch incident close 3f2a91 --verdict benign -m "planned test, order 4711"',
            "gridwatch incident reopen 3f2a91",
            'gridwatch incident suppress 3f2a91 --hours 8 --reason "relay test in bay 4"',
        ),
        "tests/integration/test_incident_command.py::test_a_life_on_the_command_line",
    ),
    "gridwatch report --incident 3f2a91 incident.html": "tests/integration/test_report.py::test_an_incident_is_told_whole",
    "gridwatch outflow --kafka": "tests/integration/test_outflow.py::test_the_command",
    "gridwatch outflow --webhook https://siem.example.org/gridwatch": "tests/integration/test_outflow.py::test_the_command",
    "gridwatch outflow --syslog tls://siem.example.org:6514": "tests/integration/test_outflow.py::test_the_command",
    "gridwatch detect --master spark://spark-master:7077": "tests/integration/test_cluster.py::test_on_a_cluster",
    "make wheel": "tests/integration/test_docs.py::test_the_wheel_is_made",
    "gridwatch detect --properties spark.properties": "tests/integration/test_cluster.py::test_on_a_cluster",
    "spark-submit --master spark://spark-master:7077 --properties-file spark.properties "
    "--py-files dist/gridwatch-0.1.0-py3-none-any.whl jobs/detect/main.py --site site.yaml": (
        "tests/integration/test_cluster.py::test_on_a_cluster"
    ),
    "gridwatch sample-lake var/sample": ("tests/integration/test_notebook.py::test_as_the_readme_says"),
    "GRIDWATCH_STORE__LAKE=var/sample jupyter execute notebooks/incident_triage.ipynb --output=triage.ipynb": (
        "tests/integration/test_notebook.py::test_as_the_readme_says"
    ),
    # Minutes.
    "python -m tests.integration.detect_kills --kills 10": (
        "tests/integration/test_detect_crash.py::test_killed_and_started_again"
    ),
    "python -m tests.integration.land_kills --kills 10": (
        "tests/integration/test_land_crash.py::test_sigkill_at_random_moments"
    ),
    'gridwatch learn --accept 3f2a91 --alerts alerts.jsonl --who anna --why "new bay controller" --into site.yaml': (
        "tests/unit/test_learn.py::test_a_departure_is_told_and_can_be_accepted"
    ),
    "pytest -q tests/engine/test_scenarios.py": "tests/engine/test_scenarios.py",
    # Would write into the repository.
    "python -m docs.screenshots": "tests/integration/test_docs.py::test_the_pictures_of_the_console_are_small",
    "python docs/detector_table.py": "tests/integration/test_docs.py::test_the_table_of_detectors_is_that_of_the_catalogue",
    "GOLDEN=write pytest -q tests/unit/test_schemas.py": "tests/unit/test_schemas.py::test_projections_are_the_golden_ones",
    # Run by the suite itself.
    "pytest -q tests/engine/test_detectors.py": "tests/engine/test_detectors.py",
    "pytest -q tests/unit/test_schemas.py tests/engine/test_detectors.py": "tests/unit/test_schemas.py",
}
