// Two releases that one Prometheus reads: the alerts of each, as the chart renders them, judged by a real promtool.
import { cpSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { stringify } from "yaml"
import { manifestsOf } from "../../deploy/helm/Render.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"
import { complaint, withTools } from "../support/PrometheusTools.ts"
import { describeWithTools, plainly, template } from "./Helm.ts"
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
