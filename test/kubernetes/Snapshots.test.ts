// What the chart renders, as it was reviewed: a change of a template is a change here, to be read in its commit.
// `npx vitest run test/kubernetes/Snapshots.test.ts -u` writes them anew.
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { manifestsOf } from "../../deploy/helm/Render.ts"
import { describeWithTools, plainly, template, valuesFiles } from "./Helm.ts"
import { reviewable } from "./Snapshot.ts"

const objectsOf = async (values: string) => manifestsOf(await template(values, plainly)).map(({ object }) => object)

describeWithTools("the chart renders what was reviewed", () => {
  it.each(valuesFiles)("with the values %s", async (values) => {
    const text = reviewable(await objectsOf(values), values === "minimal" ? [] : await objectsOf("minimal"))
    await expect(text).toMatchFileSnapshot(join(import.meta.dirname, "snapshots", `${values}.yaml`))
  })
})
