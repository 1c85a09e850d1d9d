// Where the command line works: at one installation, never half at one and half at another.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Layer } from "effect"
import { secretFiles } from "#shared/service/SecretFiles.ts"
import { settingsIn } from "../../cli/Servers.ts"
import { temporaryFolder } from "../../deploy/local/TemporaryFolder.ts"

const local = { natsUrl: "nats://local", databaseUrl: "postgres://local" }

/** With a running `npm start`. */
const found = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>>) {
  const folder = yield* temporaryFolder("home")
  writeFileSync(join(folder, "run.json"), JSON.stringify({ pid: process.pid, ...local }))
  const given = Layer.provideMerge(secretFiles, ConfigProvider.layer(ConfigProvider.fromUnknown(environment)))
  const read = (key: string) => Config.withDefault(Config.String(key), "none")
  return yield* Effect.all([read("NATS_URL"), read("DATABASE_URL")]).pipe(
    Effect.provide(Layer.provideMerge(settingsIn(folder), given))
  )
})

describe("the servers of a command", () => {
  it.effect("are those of a running npm start if no other is named", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* found({}), ["nats://local", "postgres://local"])
    })
  )

  it.effect("are none of its servers if one of them is named, by itself or in a file", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* found({ NATS_URL: "nats://far" }), ["nats://far", "none"])
      assert.deepStrictEqual(yield* found({ DATABASE_URL: "postgres://far" }), ["none", "postgres://far"])
      const file = join(yield* temporaryFolder("secret"), "url")
      writeFileSync(file, "postgres://secret\n")
      assert.deepStrictEqual(yield* found({ DATABASE_URL_FILE: file }), ["none", "postgres://secret"])
    })
  )
})
