// For tests that need what not every machine allows, as to mount a disk.
import { Effect } from "effect"
import type { TestContext } from "vitest"
import { NotHere } from "../../../chaos/faults/Disks.ts"

/** Says by name what is not to be had here, and leaves the test out. */
export const whereAllowed = <A, E, R>(context: TestContext, test: Effect.Effect<A, E | NotHere, R>) =>
  Effect.catchIf(
    test,
    (error): error is NotHere => error instanceof NotHere,
    (error) => Effect.sync(() => context.skip(error.message))
  )
