// The alerts of a release as the chart renders them: about it alone, and about what it runs.
import { cpSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { stringify } from "yaml"
import { chart, manifestsOf, runTool } from "../../deploy/helm/Render.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { complaint, withTools } from "../support/servers/PrometheusTools.ts"
import { describeWithTools, plainly, template, valuesFile } from "./Helm.ts"
import { ofKind } from "./Objects.ts"

/** As the operator writes it for Prometheus. */
const rulesOf = (namespace: string, release: string) =>
  Effect.promise(async () => {
    const objects = manifestsOf(await template("grafana-stack", { ...plainly, namespace, release })).map(
      ({ object }) => object
    )
    const [rule] = ofKind({ title: release, given: {}, name: release, namespace, objects }, "PrometheusRule")
    return stringify({ groups: rule?.spec.groups })
  })

describeWithTools("of two releases that one Prometheus reads", () => {
  it.live("neither hides what is wrong with the other, and each alert says whose it is", () =>
    withTools(({ promtool }) =>
      Effect.gen(function* () {
        const at = yield* temporaryFolder("alerts")
        // The third is in the namespace of the second.
        writeFileSync(join(at, "a.rules.yaml"), yield* rulesOf("clinic-a", "carillon"))
        writeFileSync(join(at, "b.rules.yaml"), yield* rulesOf("clinic-b", "carillon"))
        writeFileSync(join(at, "staging.rules.yaml"), yield* rulesOf("clinic-b", "staging"))
        cpSync(join(import.meta.dirname, "alerts.test.yaml"), join(at, "alerts.test.yaml"))
        assert.strictEqual(yield* complaint(promtool, ["test", "rules", "alerts.test.yaml"], at), "")
      })
    )
  )
})

/** Of a release like `grafana-stack`, but for these values. */
const alertsWith = async (values: string) => {
  const files = ["--values", valuesFile("grafana-stack"), "--values", "-"]
  const text = await runTool("helm", ["template", "carillon", chart, ...files], values)
  const objects = manifestsOf(text).map(({ object }) => object)
  const rules = ofKind({ title: "", given: {}, name: "carillon", namespace: "default", objects }, "PrometheusRule")
  return rules.flatMap(({ spec }) => spec.groups ?? []).flatMap(({ rules = [] }) => rules.map(({ alert }) => alert))
}

/** Each fires when nothing is heard, and so for ever where nobody is there to be heard. */
const silences: Readonly<Record<string, readonly [values: string, left: ReadonlyArray<string>]>> = {
  "all services": ["{}", ["CarillonLedgerSilent", "CarillonSchedulerSilent", "CarillonWatchdogSilent"]],
  "no ledger": ["services: { ledger: { enabled: false } }", ["CarillonSchedulerSilent"]],
  "no watchdog": [
    'services: { ledger: { env: { WATCHDOG_SECONDS: "0" } } }',
    ["CarillonLedgerSilent", "CarillonSchedulerSilent"]
  ],
  "no watchdog by default": [
    'defaults: { env: { WATCHDOG_SECONDS: "0" } }',
    ["CarillonLedgerSilent", "CarillonSchedulerSilent"]
  ],
  "no scheduler": ["services: { scheduler: { enabled: false } }", ["CarillonLedgerSilent", "CarillonWatchdogSilent"]]
}

describeWithTools("a release is told of the silence of what it runs", () => {
  it.each(Object.entries(silences))("with %s", async (_, [values, left]) => {
    const silent = (await alertsWith(values)).filter((name) => name?.endsWith("Silent"))
    // Bridges and senders are missed only where one has been, and the dispatcher by a scheduler.
    assert.sameMembers(silent, [...left, "CarillonBridgeSilent", "CarillonDispatcherSilent", "CarillonSenderSilent"])
  })
})
