// Where the command line finds NATS and Postgres: as its environment says, else where `npm start` runs them.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { ConfigProvider, Effect, Layer, Option, Schema } from "effect"
import { natsUrl } from "#shared/nats/connection/Credentials.ts"
import { natsLayerWithoutWaiting } from "#shared/nats/connection/Layers.ts"
import { urlSetting } from "#shared/postgres/ConnectionUrl.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import type { Setting } from "#shared/service/Settings.ts"
import { home } from "../deploy/local/Home.ts"

const RunFile = Schema.Struct({ pid: Schema.Int, natsUrl: Schema.String, databaseUrl: Schema.String })
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(RunFile))

/** What a running `npm start` has written; nothing if none runs. */
const running = (folder: string) => {
  try {
    const file = decode(readFileSync(join(folder, "run.json"), "utf8"))
    process.kill(file.pid, 0)
    return { NATS_URL: file.natsUrl, DATABASE_URL: file.databaseUrl }
  } catch {
    return {}
  }
}

/** One that cannot be read is given too: whoever reads it says so. */
const isGiven = ({ given }: Setting<unknown>) =>
  Effect.match(given, { onFailure: () => true, onSuccess: Option.isSome })

/** All of the environment's or all of that: of half of each, an erasure say would prove on the wrong tables. */
export const settingsIn = (folder: string) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const elsewhere = (yield* isGiven(natsUrl)) || (yield* isGiven(urlSetting))
      return ConfigProvider.layerAdd(ConfigProvider.fromUnknown(elsewhere ? {} : running(folder)))
    })
  )

export const settings = settingsIn(home)

export const serversLayer = natsLayerWithoutWaiting("cli").pipe(
  Layer.provideMerge(Readiness.layer),
  Layer.provideMerge(settings)
)
