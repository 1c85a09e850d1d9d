// The alerts, checked and unit-tested by a real promtool; and every metric they name is one that the services export.
import { execFile } from "node:child_process"
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parse } from "yaml"
import { serviceProcess } from "../../deploy/local/ServiceProcess.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { page } from "../docs/Markdown.ts"
import { carillon, command, eventually } from "../support/Carillon.ts"
import { metricsOf, shows } from "../support/Figures.ts"
import { publishPlainly } from "../support/PlainClient.ts"
import { complaint, type PrometheusTools, withTools } from "../support/servers/PrometheusTools.ts"

const root = join(import.meta.dirname, "../..")
const rulesFile = join(root, "deploy/prometheus/carillon.rules.yaml")

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}
const { groups } = parse(readFileSync(rulesFile, "utf8")) as {
  readonly groups: ReadonlyArray<{ readonly rules: ReadonlyArray<Rule> }>
}
const rules = groups.flatMap((group) => group.rules)
const alerts = rules.filter((rule) => rule.alert !== undefined)

const folder = temporaryFolder("rules")

const unitTests = ["rules.test.yaml", "days.test.yaml"]

/** What promtool says of these rules, by all unit tests or those of some names. */
const testing = (tools: PrometheusTools, change: (rules: string) => string, named = ".*") =>
  Effect.gen(function* () {
    const at = yield* folder
    writeFileSync(join(at, "carillon.rules.yaml"), change(readFileSync(rulesFile, "utf8")))
    for (const file of unitTests) cpSync(join(import.meta.dirname, file), join(at, file))
    return yield* complaint(tools.promtool, ["test", "rules", `--run=${named}`, ...unitTests], at)
  })

describe("the alerts", () => {
  it.live("are rules and a configuration that Prometheus takes", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        const at = join(root, "deploy/prometheus")
        assert.strictEqual(
          yield* complaint(tools.promtool, ["check", "rules", "--lint=all", "--lint-fatal", "carillon.rules.yaml"], at),
          ""
        )
        assert.strictEqual(yield* complaint(tools.promtool, ["check", "config", "prometheus.yaml"], at), "")
      })
    )
  )

  it.live("fire when they should, and not when they should not", () =>
    withTools((tools) =>
      Effect.map(
        testing(tools, (text) => text),
        (problems) => assert.strictEqual(problems, "")
      )
    )
  )

  it.live("have tests that notice a changed threshold", () =>
    withTools((tools) =>
      Effect.map(
        testing(tools, (text) => text.replace("> 10000", "> 100000"), "a ledger that lags"),
        (problems) => assert.match(problems, /CarillonLedgerBehind/)
      )
    )
  )

  it.each(alerts.map((rule) => [rule.alert, rule] as const))(
    "%s has a severity, a summary, a runbook and a test",
    (name, rule) => {
      assert.include(["critical", "warning"], rule.labels?.severity)
      assert.isString(rule.annotations?.summary)
      const runbook = rule.annotations?.runbook_url ?? ""
      assert.strictEqual(runbook, `docs/runbooks/${name}.md`)
      assert.isTrue(existsSync(join(root, runbook)), runbook)
      const tested = unitTests.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join()
      assert.include(tested, `alertname: ${name}`)
    }
  )

  it("have the runbooks that there are, and who looks by symptom finds each of them", () => {
    const runbooks = readdirSync(join(root, "docs/runbooks"))
    assert.sameMembers(
      runbooks,
      alerts.map(({ alert }) => `${alert}.md`)
    )
    const { links } = page("docs/troubleshooting.md")
    assert.includeMembers(
      [...links],
      runbooks.map((name) => `runbooks/${name}`)
    )
  })
})

describe("the metrics of the services", () => {
  it.live("are what promtool calls good, scraped by a real Prometheus, and all that the alerts name", () =>
    withTools((tools) =>
      Effect.gen(function* () {
        const { database, environment, nats, phones, services: always, start } = yield* carillon({ processes: true })
        yield* database.query(readFileSync(join(root, "deploy/postgres/outbox.sql"), "utf8"))
        const bridge = yield* serviceProcess("table-bridge", environment)
        yield* Effect.all([start, bridge.start], { concurrency: "unbounded" })
        const services = { ...always, bridge }
        yield* publishPlainly(nats.url, [command("counted", 0)])
        yield* eventually(
          "arrived",
          Effect.sync(() => phones.received.length),
          (count) => count === 1
        )
        const scrape = Effect.forEach(Object.values(services), metricsOf)
        // Of queues and outbox they are asked for every ten seconds, the first time at once; the ledger's take a moment.
        const pages = yield* eventually("every figure", scrape, (texts) =>
          [
            "carillon_lateness_seconds_count",
            "carillon_watchdog_looked_at_seconds",
            "carillon_ledger_lag_events",
            "carillon_undecided_oldest_seconds",
            "carillon_bridge_looked_at_seconds",
            "carillon_sender_active"
          ].every((figure) => texts.join().includes(figure))
        )
        const exported = new Set([...pages.join("\n").matchAll(/^([a-z_]+)(?:\{| )/gm)].map(([, name]) => name))
        const named = new Set(
          rules.flatMap(({ expr }) => [...expr.matchAll(/\bcarillon_[a-z_]+/g)].map(([name]) => name))
        )
        const missing = [...named].filter((name) => !exported.has(name))
        assert.deepStrictEqual(missing, [])
        for (const page of pages) assert.notInclude(page, "counted")
        const at = yield* folder
        const lint = yield* Effect.promise(
          () =>
            new Promise<string>((resolve) => {
              const child = execFile(tools.promtool, ["check", "metrics"], (_, out, problems) =>
                resolve(out + problems)
              )
              child.stdin?.end(pages.find((page) => page.includes("carillon_events_appended_total")))
            })
        )
        assert.strictEqual(lint, "")
        const targets = Object.values(services).map(({ url }) => url.replace("http://", ""))
        writeFileSync(
          join(at, "prometheus.json"),
          JSON.stringify({
            global: { scrape_interval: "1s", evaluation_interval: "1s" },
            rule_files: [rulesFile],
            scrape_configs: [{ job_name: "carillon", static_configs: [{ targets }] }]
          })
        )
        yield* scraping(tools, at, targets.length)
        // With nothing due, who is gone is missed all the same.
        const there = (gateway: number, dispatcher: number) =>
          Effect.all([
            shows(always.scheduler, "carillon_sender_active", gateway, 'platform="telegram",sender="default"'),
            shows(always.scheduler, "carillon_consumer_read", dispatcher, 'consumer="dispatcher"'),
            shows(always.scheduler, "carillon_consumer_read", dispatcher, 'consumer="dispatcher-failures"')
          ])
        yield* there(1, 1)
        yield* Effect.all([always["telegram-gateway"].kill9, always.dispatcher.kill9])
        yield* there(0, 0)
      })
    )
  )
})

/** Starts Prometheus on a free port; every target must come up, and the rules must find what they ask for. */
const scraping = Effect.fnUntraced(function* (tools: PrometheusTools, at: string, targets: number) {
  const { freePort } = yield* Effect.promise(() => import("../../deploy/local/LocalServer.ts"))
  const port = yield* freePort
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      execFile(tools.prometheus, [
        `--config.file=${join(at, "prometheus.json")}`,
        `--storage.tsdb.path=${join(at, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`
      ])
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const ask = (path: string) =>
    Effect.promise(() =>
      fetch(`http://127.0.0.1:${port}/api/v1/${path}`).then(
        (response) => response.text(),
        () => ""
      )
    )
  yield* eventually(
    "all targets up",
    ask("query?query=up"),
    (answer) => (answer.match(/"1"\]/g) ?? []).length === targets
  )
  assert.include(yield* ask("rules"), "CarillonMessagesNotSent")
  // Prometheus 3 writes the bounds of buckets in its own way.
  yield* eventually("the share of late messages", ask("query?query=carillon:late_ratio:rate5m"), (answer) =>
    answer.includes('"value"')
  )
})
