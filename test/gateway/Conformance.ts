// What any gateway must do, whatever its platform: run it on each of them. See docs/gateways.md.
import { layer } from "@effect/vitest"
import { circuit } from "./conformance/Circuit.ts"
import { intended, limited, limits } from "./conformance/Limited.ts"
import { operators } from "./conformance/Operators.ts"
import { outcomes } from "./conformance/Outcomes.ts"
import type { PlatformUnderTest } from "./conformance/Platform.ts"
import { privacy } from "./conformance/Privacy.ts"
import { stops } from "./conformance/Stops.ts"
import { times } from "./conformance/Times.ts"
import { worldOf } from "./conformance/World.ts"

/** Circuits open by a refusal of the sender, not by the failures that the suite asks for. */
const quick = {
  CIRCUIT_FAILURES: "1000",
  CIRCUIT_FIRST_WAIT_SECONDS: "1",
  CIRCUIT_LONGEST_WAIT_SECONDS: "1",
  RETRY_SENDER_WAIT_SECONDS: "1"
}
const shared = { timeout: "120 seconds", excludeTestServices: true } as const

/** Registers the tests, in two worlds: one without limits, in which the platform does all that it may, and one with. */
export const conforms = (platform: PlatformUnderTest) => {
  const unlimited = worldOf(platform, { perSecond: 0, recipientPerSecond: 0 }, quick)
  layer(unlimited, shared)(`the ${platform.gateway}`, (it) => {
    outcomes(it, platform)
    times(it)
    operators(it, platform.platform)
    circuit(it, platform)
    stops(it)
    intended(it)
    privacy(it, platform)
  })
  layer(worldOf(platform, limits, quick), shared)(`the ${platform.gateway} under limits`, (it) => {
    limited(it, platform)
    intended(it)
  })
}
