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

  it.live("is to NATS who may do it", () =>
    Effect.gen(function* () {
      const { environment, etc } = yield* server
      for (const [line, user] of [
        ["list", "operator"],
        ["erase --recipient 1", "eraser"],
        ["nats provision --sender telegram/north", "provisioner"],
        ["nats retire telegram/north", "provisioner"],
        ["nats users", "operator"]
      ] as const) {
        const found = yield* environment(line)
        assert.strictEqual(found.NATS_NKEY, join(etc, `nats/${user}.nk`), line)
        assert.strictEqual(found.NATS_INBOX_PREFIX, `_INBOX.${user}`, line)
        assert.strictEqual(found.DATABASE_PASSWORD_FILE, join(etc, "secrets/database-password"), line)
      }
    })
  )

  it.live("takes what the caller has set, and adds no key and no password of its own to that", () =>
    Effect.gen(function* () {
      const { environment, write } = yield* server
      write("carillon.env", "NATS_URL=nats://ours:4222", "DATABASE_URL_FILE=/ours", "LOG_FORMAT=json")
      const given = { NATS_URL: "nats://theirs:4222", NATS_NKEY: "their.nk", DATABASE_URL: "postgres://theirs/theirs" }
      const found = yield* environment("list", given)
      assert.deepInclude(found, { ...given, LOG_FORMAT: "json" })
      assert.doesNotHaveAnyKeys(found, ["NATS_INBOX_PREFIX", "DATABASE_PASSWORD_FILE", "DATABASE_URL_FILE"])
      const byUrl = yield* environment("list", { NATS_URL: "nats://me:secret@theirs:4222" })
      assert.doesNotHaveAnyKeys(byUrl, ["NATS_NKEY", "NATS_INBOX_PREFIX"])
      assert.property(byUrl, "DATABASE_PASSWORD_FILE")
    })
  )

  it.live("works for a bridge with what its service has, or on the database that the caller names", () =>
    Effect.gen(function* () {
      const { environment, etc, write } = yield* server
      write(
        "table-bridge.env",
        "TABLE_BRIDGE_DATABASE_URL=postgres://app",
        "TABLE_BRIDGE_CONFIG=/b.json",
        "LOG_FORMAT=x"
      )
      const own = yield* environment("bridge status")
      assert.deepInclude(own, {
        TABLE_BRIDGE_DATABASE_URL: "postgres://app",
        TABLE_BRIDGE_DATABASE_PASSWORD_FILE: join(etc, "secrets/bridge-database-password"),
        TABLE_BRIDGE_CONFIG: "/b.json",
        LOG_FORMAT: "x"
      })
      assert.doesNotHaveAnyKeys(own, ["DATABASE_PASSWORD_FILE"])
      assert.doesNotHaveAnyKeys(yield* environment("list"), ["TABLE_BRIDGE_CONFIG"])

      const elsewhere = yield* environment("bridge undo", { DATABASE_URL: "postgres://trial" })
      assert.deepInclude(elsewhere, { DATABASE_URL: "postgres://trial", TABLE_BRIDGE_DATABASE_URL: "" })
      assert.doesNotHaveAnyKeys(elsewhere, ["DATABASE_PASSWORD_FILE", "TABLE_BRIDGE_DATABASE_PASSWORD_FILE"])
    })
  )
})
