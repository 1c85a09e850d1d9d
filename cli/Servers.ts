// Where the command line finds NATS and Postgres: as its environment says, else where `npm start` runs them.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { ConfigProvider, Effect, Layer, Schema } from "effect"
import { natsLayerWithoutWaiting } from "#shared/nats/Layers.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { home } from "../deploy/local/Home.ts"

const RunFile = Schema.Struct({ pid: Schema.Int, natsUrl: Schema.String, databaseUrl: Schema.String })
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(RunFile))

/** What a running `npm start` has written; nothing if none runs. */
const running = Effect.sync(() => {
  try {
    const file = decode(readFileSync(join(home, "run.json"), "utf8"))
    process.kill(file.pid, 0)
    return { NATS_URL: file.natsUrl, DATABASE_URL: file.databaseUrl }
  } catch {
    return {}
  }
})

/** The environment goes first. */
export const settings = Layer.unwrap(
  Effect.map(running, (found) => ConfigProvider.layerAdd(ConfigProvider.fromUnknown(found)))
)

export const serversLayer = natsLayerWithoutWaiting("cli").pipe(
  Layer.provideMerge(Readiness.layer),
  Layer.provideMerge(settings)
)
