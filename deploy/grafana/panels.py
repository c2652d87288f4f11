"""What the dashboards are made of: queries, panels, rows, and the frame that all four share.

A panel always has a unit and a description that says what its numbers mean and when to worry. One that only has data on
some engine says so in place of the data.
"""

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    piechart,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models.piechart import PieChartLegendValues, PieChartType
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

# Width of the grid in columns, and heights in its rows.
WIDTH = 24
TILE, CHART, TABLE = 4, 8, 11
SOURCE = d.DataSourceRef(type_val="prometheus", uid="${datasource}")
TITLES = {
    "souk-health": "System Health",
    "souk-orders": "Orders & Revenue",
    "souk-customers": "Customer Experience",
    "souk-marketing": "Marketing",
}
GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"


def query(expression: str, legend: str = "", instant: bool = False) -> prometheus.Dataquery:
    built = prometheus.Dataquery().expr(expression).legend_format(legend)
    return built.instant() if instant else built.range()


def levels(*steps: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """Colours from a value on; the first has no value."""
    return (
        dashboard.ThresholdsConfig()
        .mode(d.ThresholdsMode.ABSOLUTE)
        .steps([d.Threshold(value=value, color=color) for value, color in steps])
    )


def none_is_good(warn: float = 1) -> dashboard.ThresholdsConfig:
    return levels((None, GREEN), (warn, RED))


def _described(panel, title: str, text: str, unit: str, only_with: str):
    panel = panel.title(title).description(text).unit(unit).datasource(SOURCE)
    return panel.no_value(f"Only with {only_with}") if only_with else panel


def tile(title, text, expression, unit="short", thresholds=None, today=False, width=4, decimals=None, only_with=""):
    """One number. `today`: since midnight, whatever the period that the dashboard shows."""
    panel = _described(stat.Panel(), title, text, unit, only_with)
    panel = (
        panel.with_target(query(expression, instant=True))
        .thresholds(thresholds or levels((None, BLUE)))
        .color_mode(c.BigValueColorMode.VALUE)
        .graph_mode(c.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .height(TILE)
        .span(width)
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    # The row is titled with the day; the tile has no room for it beside its own title.
    return panel.time_from("now/d").hide_time_override(True) if today else panel


def lines(title, text, series, unit="short", width=12, stacked=False, bars=False, most=None, only_with="", days=None,
          height=CHART, many=False, colors=None):
    """Curves of `series`, pairs of expression and legend; `many` of them have their legend at the side. `colors` are those
    of names that have a meaning. `days`: a bar for each of the last days, today's the last; the
    expression is evaluated at the beginning of each day, so that of a day looks ahead with `offset -1d`."""
    panel = _described(timeseries.Panel(), title, text, unit, only_with)
    for expression, legend in series:
        panel = panel.with_target(query(expression, legend))
    panel = (
        panel.line_width(2)
        .fill_opacity(60 if bars or stacked else 10)
        .draw_style(c.GraphDrawStyle.BARS if bars or days else c.GraphDrawStyle.LINE)
        .show_points(c.VisibilityMode.NEVER)
        .axis_soft_min(0)
        .min(0)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(c.LegendDisplayMode.LIST)
            .placement(c.LegendPlacement.RIGHT if many else c.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING))
        .height(height)
        .span(width)
    )
    for name, color in (colors or {}).items():
        fixed = d.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})
        panel = panel.override_by_name(name, [fixed])
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(c.StackingMode.NORMAL))
    if most is not None:
        panel = panel.max(most)
    return panel.time_from(f"{days}d").interval("1d") if days else panel


def bars(title, text, series, unit="locale", width=12, only_with="", height=CHART):
    """One bar for each of `series`, in their order. They are counts; `increase` extrapolates to fractions of one."""
    panel = _described(bargauge.Panel(), title, text, unit, only_with)
    for expression, legend in series:
        panel = panel.with_target(query(expression, legend, instant=True))
    return (
        panel.orientation(c.VizOrientation.HORIZONTAL)
        .display_mode(c.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(levels((None, BLUE)))
        .decimals(0)
        .min(0)
        .height(height)
        .span(width)
    )


def shares(title, text, expression, legend, unit="short", width=8):
    panel = _described(piechart.Panel(), title, text, unit, "")
    return (
        panel.with_target(query(expression, legend, instant=True))
        .pie_type(PieChartType.DONUT)
        .legend(
            piechart.PieChartLegendOptions()
            .show_legend(True)
            .display_mode(c.LegendDisplayMode.TABLE)
            .placement(c.LegendPlacement.RIGHT)
            .calcs([])
            .values([PieChartLegendValues.PERCENT])
        )
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .height(CHART)
        .span(width)
    )


def states(title, text, expression, legend, names: dict[int, tuple[str, str]], width=12, height=CHART):
    """Which state held when: `names` of values with their colours."""
    panel = _described(statetimeline.Panel(), title, text, "short", "")
    options = {str(value): d.ValueMappingResult(text=name, color=color) for value, (name, color) in names.items()}
    return (
        panel.with_target(query(expression, legend))
        .mappings([d.ValueMap(options=options)])
        .merge_values(True)
        .show_value(c.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(c.LegendDisplayMode.LIST)
            .placement(c.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .height(height)
        .span(width)
    )


def rows_of(title, text, columns: list[tuple[str, str, str]], label: str, heading: str, sort: str, width=24):
    """A table with a line for each value of `label`, and `columns` of name, expression and unit, the greatest `sort` first."""
    panel = _described(table.Panel(), title, text, "short", "")
    renamed, hidden = {label: heading}, {"Time": True}
    for number, (name, expression, unit) in enumerate(columns):
        ref = chr(ord("A") + number)
        panel = panel.with_target(query(expression, instant=True).ref_id(ref).format(PromQueryFormat.TABLE))
        panel = panel.override_by_name(name, [d.DynamicConfigValue(id_val="unit", value=unit)])
        renamed[f"Value #{ref}"] = name
    panel = panel.with_transformation(d.DataTransformerConfig(id_val="merge", options={}))
    organize = {"renameByName": renamed, "excludeByName": hidden}
    panel = panel.with_transformation(d.DataTransformerConfig(id_val="organize", options=organize))
    return panel.show_header(True).sort_by([common.TableSortByFieldState().display_name(sort).desc(True)]).height(TABLE).span(width)


def quantiles(buckets: str, by: str = "") -> list[tuple[str, str]]:
    """The median and the slow ends of a histogram, `by` a label or of all together."""
    labels, legend = ("le, " + by, "{{" + by + "}} ") if by else ("le", "")
    rate = f"sum by ({labels}) (rate({buckets}[$__rate_interval]))"
    return [(f"histogram_quantile({q}, {rate})", f"{legend}{name}") for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))]


def frame(uid: str, text: str, period: str = "now-3h") -> dashboard.Dashboard:
    """A dashboard without panels: its variables, and links to the other three with the same period."""
    built = (
        dashboard.Dashboard(TITLES[uid])
        .uid(uid)
        .description(text)
        .tags(["souk"])
        .time(period, "now")
        .refresh("30s")
        .timezone("browser")
        .readonly()
        .tooltip(d.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for other, title in TITLES.items():
        if other != uid:
            link = dashboard.DashboardLink(title).type(d.DashboardLinkType.LINK).url(f"/d/{other}").icon("dashboard")
            built = built.link(link.keep_time(True).include_vars(True))
    return built


def choice(name: str, label: str, values: str) -> dashboard.QueryVariable:
    """A variable with several values, read from Prometheus by `values`; all of them at first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .query(values)
        .datasource(SOURCE)
        .refresh(d.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(d.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(d.VariableOption(selected=True, text="All", value="$__all"))
    )
