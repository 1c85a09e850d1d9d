// The kinds of panels that our dashboards are made of: a curve, a figure, a table, with their queries.
import type * as cog from "@grafana/grafana-foundation-sdk/cog"
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard"
import * as logs from "@grafana/grafana-foundation-sdk/logs"
import * as loki from "@grafana/grafana-foundation-sdk/loki"
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus"
import * as stat from "@grafana/grafana-foundation-sdk/stat"
import * as table from "@grafana/grafana-foundation-sdk/table"
import * as tempo from "@grafana/grafana-foundation-sdk/tempo"
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries"

/** Chosen by whoever looks, never hard-wired. */
const sources = {
  prometheus: { type: "prometheus", uid: "${prometheus}" },
  tempo: { type: "tempo", uid: "${tempo}" },
  loki: { type: "loki", uid: "${loki}" },
  postgres: { type: "grafana-postgresql-datasource", uid: "${postgres}" }
} as const
export type Source = keyof typeof sources

interface Query {
  readonly expr: string
  readonly legend?: string
}

const promql = ({ expr, legend = "" }: Query) => new prometheus.DataqueryBuilder().expr(expr).legendFormat(legend)

/** A curve over time; width of 24. */
export const curve = (title: string, unit: string, queries: ReadonlyArray<Query>, width = 12) =>
  queries.reduce(
    (panel, query) => panel.withTarget(promql(query)),
    new timeseries.PanelBuilder().title(title).unit(unit).datasource(sources.prometheus).height(8).span(width).min(0)
  )

/** One figure, the newest. */
export const figure = (title: string, unit: string, expr: string, width = 4) =>
  new stat.PanelBuilder()
    .title(title)
    .unit(unit)
    .datasource(sources.prometheus)
    .height(4)
    .span(width)
    .withTarget(promql({ expr }).instant())

// The SDK has no builder for Postgres queries: this is the JSON that Grafana keeps for one.
const sql = (rawSql: string, format: "table" | "time_series"): cog.Builder<cog.Dataquery> => ({
  build: () => ({
    refId: "A",
    datasource: sources.postgres,
    format,
    rawQuery: true,
    rawSql,
    _implementsDataqueryVariant: () => {}
  })
})

/** Rows of the ledger. */
export const rows = (title: string, rawSql: string, width = 24, height = 8) =>
  new table.PanelBuilder()
    .title(title)
    .datasource(sources.postgres)
    .height(height)
    .span(width)
    .withTarget(sql(rawSql, "table"))

/** Points of the ledger over time: a column `time`, and one for each curve, or a column of text that names the curve. */
export const trend = (title: string, unit: string, rawSql: string, width = 12) =>
  new timeseries.PanelBuilder()
    .title(title)
    .unit(unit)
    .datasource(sources.postgres)
    .height(8)
    .span(width)
    .withTarget(sql(rawSql, "time_series"))

export const traces = (title: string, query: string) =>
  new table.PanelBuilder().title(title).datasource(sources.tempo).height(8).span(24).withTarget(
    new tempo.DataqueryBuilder()
      .query(query)
      .queryType("traceql")
      .tableType(tempo.SearchTableType.Spans)
      .limit(200)
      // Of each trace, too: Grafana shows three where nothing is said.
      .spss(100)
  )

export const lines = (title: string, expr: string) =>
  new logs.PanelBuilder()
    .title(title)
    .datasource(sources.loki)
    .height(8)
    .span(24)
    .withTarget(new loki.DataqueryBuilder().expr(expr))

const kinds: Readonly<Record<Source, string>> = {
  prometheus: "prometheus",
  tempo: "tempo",
  loki: "loki",
  postgres: "grafana-postgresql-datasource"
}

interface Page {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly from: string
  readonly sources: ReadonlyArray<Source>
  readonly variables?: ReadonlyArray<cog.Builder<dashboard.VariableModel>>
  readonly panels: ReadonlyArray<cog.Builder<dashboard.Panel>>
}

export const page = ({ uid, title, description, from, sources, variables = [], panels }: Page): dashboard.Dashboard => {
  const builder = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(["carillon"])
    .timezone("browser")
    .time({ from, to: "now" })
    .refresh("30s")
  for (const source of sources) {
    builder.withVariable(new dashboard.DatasourceVariableBuilder(source).label(source).type(kinds[source]))
  }
  for (const variable of variables) builder.withVariable(variable)
  for (const panel of panels) builder.withPanel(panel)
  return builder.build()
}
