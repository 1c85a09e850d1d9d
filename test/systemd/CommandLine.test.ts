// The command line for root on a server: which settings it finds, and as whom.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { installed, wrapperOf } from "./Installed.ts"

/** An installed root, and with what environment a command line would run there. */
const server = Effect.map(installed, (root) => {
  const etc = join(root, "etc/carillon")
  const typed = wrapperOf(root, "exec env -0")
  return {
    etc,
    write: (file: string, ...lines: ReadonlyArray<string>) => writeFileSync(join(etc, file), `${lines.join("\n")}\n`),
    environment: (line: string, given: Readonly<Record<string, string>> = {}) =>
      Effect.map(
        typed(line.split(" "), given),
        ({ stdout }): Readonly<Record<string, string>> =>
          Object.fromEntries([...stdout.matchAll(/([^=]+)=([^\0]*)\0/g)].map(([, name, value]) => [name, value]))
      )
  }
})

describe("the command line of a server", () => {
  it.live("reads settings as systemd does: what a shell would run, split or expand is a value", () =>
    Effect.gen(function* () {
      const { environment, write } = yield* server
      const DATABASE_URL = "postgres://ledger@db:5432/carillon?sslmode=verify-full&sslrootcert=/etc/ca.pem"
      write(
        "carillon.env",
        "# A=comment",
        "; B=comment",
        "",
        "no setting",
        `DATABASE_URL=${DATABASE_URL}`,
        "NATS_URL=nats://one:4222, nats://two:4222",
        "NATS_PASSWORD=a$HOME`id`#",
        `LOG_FORMAT="json"`,
        "LOG_LEVEL = 'Debug' ",
        "EMPTY="
      )
      const found = yield* environment("list")
      assert.deepInclude(found, {
        DATABASE_URL,
        NATS_URL: "nats://one:4222, nats://two:4222",
        LOG_FORMAT: "json",
        LOG_LEVEL: "Debug",
        NATS_PASSWORD: "a$HOME`id`#",
        EMPTY: ""
      })
      assert.doesNotHaveAnyKeys(found, ["A", "B", "no", "no setting"])
    })
  )
})
