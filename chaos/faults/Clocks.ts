// A wall clock of its own for a service, that can be set while the service runs. It reaches what asks the C library, as
// Node does: nats-server, a Go program, asks the kernel, and keeps the machine's clock. Timers go on as they were: they
// are monotonic, as when an operator or NTP sets a real clock.
import { renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { locateFakeTime } from "./FakeTime.ts"

export interface Clock {
  /** For the process that is to have it. */
  readonly environment: Readonly<Record<string, string>>
  /** So far ahead of the machine's clock from now on; behind it, if negative. */
  readonly set: (seconds: number) => Effect.Effect<void>
}

/** Right at first. `folder` is for the file that says how wrong it is. */
export const clockIn = Effect.fn("clockIn")(function* (folder: string, name: string, cacheDir: string) {
  const library = yield* locateFakeTime(cacheDir)
  const file = join(folder, `${name}.clock`)
  const set = (seconds: number) =>
    Effect.sync(() => {
      // Put in its place whole: it is read at every look at the clock.
      writeFileSync(`${file}.new`, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}\n`)
      renameSync(`${file}.new`, file)
    })
  yield* set(0)
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1"
    },
    set
  } satisfies Clock as Clock
})
