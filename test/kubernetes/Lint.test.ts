// The chart is one that helm has nothing against, whichever of its files of values it is given.
import { assert, it } from "@effect/vitest"
import { chart } from "../../deploy/helm/Render.ts"
import { describeWithTools, helm, valuesFile, valuesFiles } from "./Helm.ts"

describeWithTools("helm lint --strict", () => {
  it.each(valuesFiles)("takes the chart with the values %s", async (values) => {
    assert.match(await helm("lint", "--strict", chart, "--values", valuesFile(values)), /0 chart\(s\) failed/)
  })
})
