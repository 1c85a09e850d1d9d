// Every rule of every topic, over the chart with every file of values; and each rule notices what breaks it.
import { assert, describe, it } from "@effect/vitest"
import { describeWithTools, namings, releases, valuesFiles } from "./Helm.ts"
import { workloads } from "./Objects.ts"
import { topics } from "./policies/Topics.ts"
import { NothingToBreak, type Rule } from "./Rule.ts"

/** Breaks a copy of the first release that can be broken so; answers with what the rule finds then. */
const bite = async ({ broken }: Rule, change: Rule["bites"][string]) => {
  for (const release of await releases()) {
    const copy = structuredClone(release)
    try {
      change(copy)
    } catch (error) {
      if (error instanceof NothingToBreak) continue
      throw error
    }
    return broken(copy)
  }
  throw new Error("no release has what this would break: a new file of values in ci/ should have it")
}

describeWithTools("the chart", () => {
  it("is rendered from every file of values, and makes pods", async () => {
    assert.includeMembers([...valuesFiles], ["minimal", "production", "everything"])
    for (const release of await releases()) assert.isNotEmpty(workloads(release), release.title)
  })

  for (const { about, rules } of topics) {
    describe(about, () => {
      for (const rule of rules) {
        it(rule.says, async () => {
          // What is wrong under every name is told once.
          for (const naming of namings) {
            const found = (await releases())
              .filter((release) => release.name === naming.release)
              .flatMap((release) => rule.broken(release).map((finding) => `${release.title}: ${finding}`))
            assert.deepStrictEqual(found, [])
          }
        })

        for (const [what, change] of Object.entries(rule.bites)) {
          it(`${rule.says}: ${what} is noticed`, async () => {
            assert.isNotEmpty(await bite(rule, change))
          })
        }
      }
    })
  }
})
