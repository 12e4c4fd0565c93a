"""The few kinds of panel that the dashboards are made of, in one look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as dashboard_model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = dashboard_model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GRID_WIDTH = 24
ROW_HEIGHT = 8
STAT_HEIGHT = 4

NAMESPACE = 'namespace=~"$namespace"'
"""Every query is held to the chosen namespaces."""


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL and the name of its series."""

    expr: str
    legend: str = "__auto"


Panel = timeseries.Panel | stat.Panel | heatmap.Panel


def rate(metric: str, *labels: str, by: str = "") -> str:
    """Sum of a counter's rate, held to the namespace."""
    selector = ", ".join([NAMESPACE, *labels])
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{selector}}}[$__rate_interval]))"


def rate_or_zero(metric: str, *labels: str) -> str:
    """As ``rate``, and 0 for a counter that has not counted yet."""
    return f"({rate(metric, *labels)} or vector(0))"


def quantile(q: float, histogram: str, *labels: str, by: str = "") -> str:
    """A quantile of a histogram."""
    inner = rate(f"{histogram}_bucket", *labels, by=", ".join(part for part in ("le", by) if part))
    return f"histogram_quantile({q}, {inner})"


def lines(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str = "short",
    width: int = 12,
    stacked: bool = False,
    minimum: float | None = 0.0,
    maximum: float | None = None,
) -> Panel:
    """Series over time."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .height(ROW_HEIGHT)
        .span(width)
        .line_width(1)
        .fill_opacity(25 if stacked else 8)
        .show_points(common_model.VisibilityMode.NEVER)
        .span_nulls(False)
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_model.TooltipDisplayMode.MULTI)
            .sort(common_model.SortOrder.DESCENDING)
        )
        .legend(
            common.VizLegendOptions()
            .display_mode(common_model.LegendDisplayMode.TABLE)
            .placement(common_model.LegendPlacement.RIGHT if width > 12 else common_model.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(common_model.StackingMode.NORMAL))
    if minimum is not None:
        panel = panel.min(minimum)
    if maximum is not None:
        panel = panel.max(maximum)
    for query in queries:
        panel = panel.with_target(_target(query))
    return panel


def number(
    title: str,
    description: str,
    expr: str,
    *,
    unit: str = "short",
    steps: Sequence[tuple[float | None, str]] = ((None, "green"),),
    width: int = 4,
    decimals: float | None = None,
    legend: str = "__auto",
) -> Panel:
    """One number, coloured by thresholds: ``(from, colour)``, the first from minus infinity."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .height(STAT_HEIGHT)
        .span(width)
        .color_mode(common_model.BigValueColorMode.VALUE)
        .graph_mode(common_model.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(
            dashboard.ThresholdsConfig()
            .mode(dashboard_model.ThresholdsMode.ABSOLUTE)
            .steps([dashboard_model.Threshold(value=start, color=color) for start, color in steps])
        )
        .with_target(_target(Query(expr, legend)))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    return panel


def heat(title: str, description: str, expr: str, *, unit: str = "s", width: int = 12) -> Panel:
    """A histogram over time; ``expr`` sums a ``_bucket`` rate by ``le``."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .height(ROW_HEIGHT)
        .span(width)
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heatmap_model.HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .steps(64)
            .exponent(0.5)
        )
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .with_target(_target(Query(expr, "{{le}}")).format(PromQueryFormat.HEATMAP))
    )


def board(uid: str, title: str, description: str, rows: Sequence[tuple[str, Sequence[Panel]]]) -> dashboard.Dashboard:
    """A dashboard of titled rows, with the data source and the namespace to choose."""
    built = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["lensora"])
        .readonly()
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .tooltip(dashboard_model.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Lensora")
            .type(dashboard_model.DashboardLinkType.DASHBOARDS)
            .tags(["lensora"])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(True)
        )
        .annotation(_deployments())
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(
            dashboard.QueryVariable("namespace")
            .label("Namespace")
            .datasource(DATASOURCE)
            .query("label_values(lensora_build_info, namespace)")
            .refresh(dashboard_model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
    )
    for name, panels in rows:
        built = built.with_row(dashboard.Row(name))
        for panel in panels:
            built = built.with_panel(panel)
    return built


def _deployments() -> dashboard.AnnotationQuery:
    """A mark where a version of a process is seen that was not there two minutes before: a rollout, or a rollback."""
    present = f"count by (process, version) (lensora_build_info{{{NAMESPACE}}})"
    before = f"count by (process, version) (lensora_build_info{{{NAMESPACE}}} offset 2m)"
    return (
        dashboard.AnnotationQuery()
        .name("Deployments")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color("blue")
        .expr(f"{present} unless {before}")
    )


def _target(query: Query) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query.expr).legend_format(query.legend)
