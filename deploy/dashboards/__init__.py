"""Grafana dashboards as code: ``python -m deploy.dashboards`` writes them into the chart, ``--check`` compares."""
