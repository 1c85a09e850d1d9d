// The dashboards: what is committed is what the code makes, every query parses, and names only what there is.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parse } from "yaml"
import { files } from "../../deploy/grafana/generate/main.ts"
import { carillon } from "../support/Carillon.ts"
import { faults, logql, promql, traceql } from "../support/Queries.ts"

const root = join(import.meta.dirname, "../..")

interface Target {
  readonly expr?: string
  readonly query?: string
  readonly rawSql?: string
  readonly format?: string
  readonly spss?: number
}
interface Panel {
  readonly type?: string
  readonly title?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly targets?: ReadonlyArray<Target>
}
const boards = files.map(({ path, text }) => {
  const board = JSON.parse(text) as {
    readonly title: string
    readonly uid: string
    readonly panels: ReadonlyArray<Panel>
  }
  return { path, text, board }
})
const panels = boards.flatMap(({ board }) =>
  board.panels.map((panel) => ({ ...panel, where: `${board.title} / ${panel.title}` }))
)
const of = (type: string, key: "expr" | "query" | "rawSql") =>
  panels
    .filter(({ datasource }) => datasource?.type === type)
    .flatMap(({ where, targets = [] }) => targets.map((target) => [where, target[key] ?? ""] as const))

const plain = (query: string) =>
  query.replaceAll("$__rate_interval", "5m").replaceAll("$platform", "telegram").replaceAll("${id}", "appt-1")

describe("the dashboards", () => {
  it("are committed as the code makes them, byte for byte", () => {
    for (const { path, text } of boards) assert.strictEqual(readFileSync(path, "utf8"), text, path)
    assert.strictEqual(readdirSync(join(root, "deploy/grafana/dashboards")).length, boards.length)
  })

  it("have stable, distinct uids, and datasources as variables", () => {
    assert.strictEqual(new Set(boards.map(({ board }) => board.uid)).size, boards.length)
    for (const { where, datasource } of panels) assert.match(datasource?.uid ?? "", /^\$\{\w+\}$/, where)
  })

  it.each(of("prometheus", "expr"))("%s asks in PromQL", (_, query) => {
    assert.isAbove(query.length, 0)
    assert.deepStrictEqual(faults(promql, plain(query)), [])
  })
  it.each(of("tempo", "query"))("%s asks in TraceQL", (_, query) => {
    assert.deepStrictEqual(faults(traceql, plain(query)), [])
  })
  it.each(of("loki", "expr"))("%s asks in LogQL", (_, query) => {
    assert.deepStrictEqual(faults(logql, plain(query)), [])
  })

  // As a table, a column of text would not tell one curve from another.
  it("ask Postgres for curves where they draw curves", () => {
    for (const { datasource, targets = [], type, where } of panels) {
      if (datasource?.type !== "grafana-postgresql-datasource") continue
      for (const { format } of targets)
        assert.strictEqual(format, type === "timeseries" ? "time_series" : "table", where)
    }
  })

  it("ask Tempo for all spans of a message's traces, where Grafana would show three of each", () => {
    const asked = panels.flatMap(({ datasource, targets = [] }) => (datasource?.type === "tempo" ? targets : []))
    assert.isNotEmpty(asked)
    for (const { spss = 0 } of asked) assert.isAtLeast(spss, 100)
  })

  it("are checked by grammars that notice a mistake", () => {
    assert.isNotEmpty(faults(promql, "sum(rate(carillon_events_appended_total[5m])"))
    assert.isNotEmpty(faults(traceql, "{ span.carillon.message.id = }"))
    assert.isNotEmpty(faults(logql, '{service_name=~".+" | json'))
  })

  it("and alerts name only metrics that the code makes", () => {
    const code = [
      "shared/telemetry/Metrics.ts",
      "shared/telemetry/Telemetry.ts",
      "shared/gateway/sending/Observed.ts",
      "shared/nats/connection/ServerClock.ts",
      "shared/nats/messages/Storing.ts",
      "services/ledger/Observed.ts",
      "services/scheduler/timers/QueueMetrics.ts",
      "services/table-bridge/Observed.ts"
    ]
      .map((path) => readFileSync(join(root, path), "utf8"))
      .join()
    const made = new Set([...code.matchAll(/"(carillon_[a-z_]+)"/g)].map(([, name]) => name))
    const named = [
      ...of("prometheus", "expr").map(([, query]) => query),
      readFileSync(join(root, "deploy/prometheus/carillon.rules.yaml"), "utf8")
    ]
      .flatMap((text) => [...text.matchAll(/\bcarillon_[a-z_]+/g)])
      .map(([name]) => name.replace(/_(total|bucket|count|sum)$/, ""))
    assert.deepStrictEqual(
      [...new Set(named)].filter((name) => !made.has(name)),
      []
    )
  })

  it.live("ask Postgres for columns that there are", () =>
    Effect.gen(function* () {
      const { database, services } = yield* carillon()
      yield* services.ledger.start
      for (const [where, query] of of("grafana-postgresql-datasource", "rawSql")) {
        assert.isAbove(query.length, 0, where)
        yield* database.query(`explain ${query.replaceAll("${id:sqlstring}", "'x'")}`)
      }
    })
  )
})

describe("the provisioning files", () => {
  it.each(
    readdirSync(join(root, "deploy/grafana/provisioning"), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".yaml")
    )
  )("%s are YAML", (name) => {
    assert.isObject(parse(readFileSync(join(root, "deploy/grafana/provisioning", name), "utf8")))
  })
})
