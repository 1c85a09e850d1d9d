// The plain manifests: what the chart renders now, for kubectl, under the same rules.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { manifestsOf, runTool } from "../../deploy/helm/Render.ts"
import { base } from "../../deploy/kustomize/Base.ts"
import { drifted } from "../../docs/generate/Folders.ts"
import { root } from "./Code.ts"
import { describeWithTools } from "./Helm.ts"
import { containersOf, type Given, type Release, workloads } from "./Objects.ts"
import { topics } from "./policies/Topics.ts"
import { listed } from "./Schema.ts"

const kustomize = join(root, "deploy/kustomize")

const built = async (folder: string, namespace: string): Promise<Release> => ({
  title: folder,
  given: parse(readFileSync(join(kustomize, "values.yaml"), "utf8")) as Given,
  name: "carillon",
  namespace,
  objects: manifestsOf(await runTool("kubectl", ["kustomize", join(kustomize, folder)])).map(({ object }) => object)
})

describeWithTools("deploy/kustomize", () => {
  it("has in base/ what the chart renders; node deploy/kustomize/main.ts writes it anew", async () => {
    assert.deepStrictEqual(drifted({ folder: join(kustomize, "base"), files: await base() }), [])
  })

  describe.each([
    ["base", "carillon"],
    ["example", "reminders"]
  ])("/%s", (folder, namespace) => {
    it("builds, to objects that Kubernetes takes and that keep to every rule of the chart", async () => {
      const release = await built(folder, namespace)
      assert.isNotEmpty(workloads(release))
      assert.deepStrictEqual(await listed(release.objects), [])
      const broken = topics.flatMap(({ rules }) => rules.flatMap((rule) => rule.broken(release)))
      assert.deepStrictEqual(broken, [])
    })

    it("has nothing that only Helm understands", async () => {
      const { objects } = await built(folder, namespace)
      assert.notMatch(JSON.stringify(objects), /helm/i)
      for (const { metadata } of objects) assert.strictEqual(metadata.namespace, namespace)
    })
  })

  it("shows in example/ how to name one's own image and NATS", async () => {
    for (const container of workloads(await built("example", "reminders")).flatMap(containersOf)) {
      assert.strictEqual(container.image, "registry.example.com/carillon:0.1.0")
      const url = container.env?.find(({ name }) => name === "NATS_URL")?.value ?? "none"
      assert.include(["tls://nats.example.com:4222", "none"], url)
    }
  })
})
