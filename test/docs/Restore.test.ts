// Who puts an older NATS back by docs/operations.md leaves nothing stopped, and nothing held.
import { assert, describe, it } from "@effect/vitest"
import { servicePorts } from "#shared/service/Services.ts"
import { section } from "./Markdown.ts"
import { typedIn } from "./Shell.ts"

const services = Object.keys(servicePorts)
const platforms = services.filter((name) => name.endsWith("-gateway")).map((name) => name.replace("-gateway", ""))

const steps = typedIn(section("docs/operations.md", "NATS is lost, and a backup is put back")).map(({ words }) =>
  words.join(" ")
)
/** -1 for nowhere. */
const placeOf = (step: RegExp) => steps.findIndex((one) => step.test(one))

describe("the restore of NATS", () => {
  it.each(services)("starts %s again, which it had stopped with all", (name) => {
    assert.isAbove(placeOf(new RegExp(`^systemctl start .*@${name}\\b`)), placeOf(/^systemctl stop carillon\.target$/))
  })

  it.each(platforms)(
    "holds %s before its gateway starts, drops what had been sent, and lets go for good",
    (platform) => {
      const places = [
        placeOf(new RegExp(`^carillon pause ${platform} `)),
        placeOf(new RegExp(`^systemctl start .*@${platform}-gateway\\b`)),
        placeOf(new RegExp(`^carillon drop ${platform} --later-than `)),
        placeOf(new RegExp(`^carillon resume ${platform}$`))
      ]
      assert.notInclude(places, -1)
      assert.deepStrictEqual(
        places,
        places.toSorted((one, other) => one - other)
      )
    }
  )
})
