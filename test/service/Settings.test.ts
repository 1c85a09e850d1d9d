// Settings are declared as they are read: ranges hold, defaults lie within them, and a slip of the pen is noticed.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Result, Schema } from "effect"
import { misspelt } from "#shared/service/Misspelt.ts"
import { type Declared, declared } from "#shared/service/Settings.ts"
import "../../cli/main.ts"
import "../../deploy/local/main.ts"
import "../../services/table-bridge/main.ts"
import { configuration } from "../../docs/generate/Configuration.ts"
import { docsFolder, drifted } from "../../docs/generate/Folders.ts"
import { reads, settingsByReader } from "../../docs/generate/Settings.ts"

interface Values {
  readonly type?: string
  readonly minimum?: number
  readonly maximum?: number
}

const all = [...declared.values()]
const ours = all.flatMap((one) => (one.setting ? [{ ...one, setting: one.setting }] : []))
const valuesOf = ({ schema, takes }: Declared) =>
  (schema && takes === undefined ? Schema.toJsonSchemaDocument(schema).schema : {}) as Values
const numeric = ours.filter((one) => ["integer", "number"].includes(valuesOf(one).type ?? ""))

const read = ({ key, setting }: (typeof ours)[number], value: string) =>
  setting.parse(ConfigProvider.fromEnv({ env: { [key]: value } })).pipe(
    Effect.mapError(({ message }) => message),
    Effect.result,
    Effect.runSync
  )

describe("a numeric setting", () => {
  it("is bounded, and takes both bounds", () => {
    assert.isAbove(numeric.length, 25)
    for (const one of numeric) {
      const { maximum, minimum } = valuesOf(one)
      for (const bound of [minimum, maximum])
        assert.deepStrictEqual(read(one, String(bound)), Result.succeed(bound as unknown), one.key)
    }
  })

  it("refuses what is no number in its range, by its name and without the value", () => {
    for (const one of numeric) {
      const { maximum = 0, minimum = 0, type } = valuesOf(one)
      const bad = [
        String(minimum - 1),
        String(maximum + 1),
        "NaN",
        "Infinity",
        "-Infinity",
        "canary",
        "7 canary",
        "7,5"
      ]
      for (const value of type === "integer" ? [...bad, `${minimum}.5`] : bad) {
        const found = read(one, value)
        assert.isTrue(Result.isFailure(found), `${one.key}=${value}`)
        if (Result.isFailure(found)) {
          assert.include(found.failure, one.key)
          assert.notInclude(found.failure, "canary")
        }
      }
    }
  })
})

describe("a setting", () => {
  it("takes its own default when somebody writes it", () => {
    for (const one of ours)
      if (one.byDefault !== undefined) assert.isTrue(Result.isSuccess(read(one, one.byDefault)), one.key)
  })

  it("says what it is in words that begin a line and need no full stop", () => {
    for (const { key, says } of all) {
      assert.match(says, /^[A-Z]/, key)
      assert.notMatch(says, /\.$/, key)
    }
  })

  it("is read from a file exactly where it is a configuration of ours", async () => {
    assert.isTrue(await reads("ledger", "DATABASE_URL"))
    assert.isTrue(await reads("ledger", "DATABASE_URL_FILE"))
    assert.isFalse(await reads("scheduler", "DATABASE_URL"))
    assert.isTrue(await reads("scheduler", "OTEL_EXPORTER_OTLP_HEADERS"))
    assert.isTrue(await reads("scheduler", "OTEL_EXPORTER_OTLP_HEADERS_FILE"))
    assert.isFalse(await reads("scheduler", "OTEL_TRACES_EXPORTER_FILE"))
  })

  it("of what Node tells is refused where it would tell addresses and tokens", () => {
    const nodeDebug = ours.find(({ key }) => key === "NODE_DEBUG") ?? assert.fail("there is none")
    for (const value of ["undici", "net,FETCH", "https", "*"])
      assert.isTrue(Result.isFailure(read(nodeDebug, value)), value)
    for (const value of ["net,timer"]) assert.isTrue(Result.isSuccess(read(nodeDebug, value)), value)
  })

  it("of OpenTelemetry is one that it knows", () => {
    const sdk = join(import.meta.dirname, "../../node_modules/@opentelemetry")
    const known = [
      "otlp-exporter-base/build/src/configuration/otlp-node-http-env-configuration.js",
      "resources/build/src/detectors/EnvDetector.js",
      "sdk-node/build/src/sdk.js",
      "sdk-node/build/src/utils.js",
      "sdk-trace-base/build/src/config.js"
    ].map((file) => readFileSync(join(sdk, file), "utf8"))
    const signal = (key: string) => key.replace(/OTLP_(TRACES_)?/, "OTLP_${signalIdentifier}_")
    for (const { key } of all.filter(({ key }) => key.startsWith("OTEL_")))
      assert.isTrue(
        known.some((text) => text.includes(key) || text.includes(signal(key))),
        key
      )
  })
})

describe("a variable that is no setting", () => {
  const slips: ReadonlyArray<readonly [string, string | undefined]> = [
    ["NATS_URLS", "NATS_URL"],
    ["NATS_UR", "NATS_URL"],
    ["NAST_URL", "NATS_URL"],
    ["TELEGRAM_BOT_TOCEN", "TELEGRAM_BOT_TOKEN"],
    ["TELEGRAM_BOT_TOKEN_FIEL", "TELEGRAM_BOT_TOKEN_FILE"],
    ["DATABASE_POOLSIZE", "DATABASE_POOL_SIZE"],
    ["WATCHDOG_GRACE", "WATCHDOG_GRACE_SECONDS"],
    ["NATS_URL", undefined],
    ["NATS_URL_FILE", undefined],
    ["TELEGRAM_PARSE_MODE", undefined],
    // As Kubernetes and Compose bring them, and what other programs read.
    ["NATS_PORT", undefined],
    ["NATS_SERVICE_HOST", undefined],
    ["NATS_PORT_4222_TCP", undefined],
    ["CARILLON_POSTGRES_HOST", undefined],
    ["HTTP_PROXY", undefined],
    ["OTEL_LOGS_EXPORTER", undefined]
  ]
  for (const [name, meant] of slips)
    it(`${name} is ${meant === undefined ? "left alone" : `taken for ${meant}`}`, () =>
      assert.deepStrictEqual(misspelt([name]), meant === undefined ? [] : [[name, meant]]))

  it("is none that another process reads", async () => {
    const known = [...(await settingsByReader)].map(([reader, settings]) => [reader, settings] as const)
    for (const [reader, settings] of known) {
      const own = new Map(settings.flatMap(({ key }) => [[key, declared.get(key) as Declared] as const]))
      assert.isAbove(own.size, 25, reader)
      assert.deepStrictEqual(
        misspelt(
          [...declared.keys()].flatMap((key) => [key, `${key}_FILE`]),
          own
        ),
        [],
        reader
      )
    }
  })
})

describe("docs/configuration.md", () => {
  it("is what the code declares", async () =>
    assert.deepStrictEqual(drifted({ folder: docsFolder, files: await configuration, shared: true }), []))
})
