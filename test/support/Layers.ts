// The layers of a service against a test's own nats-server, in this process.
import { ConfigProvider, Effect, Layer } from "effect"
import { natsLayer } from "#shared/nats/connection/Layers.ts"
import { Readiness } from "#shared/service/Readiness.ts"
import { testNatsWith } from "./servers/TestNats.ts"

/** Built anew for each test: a layer that is a constant would be shared by all of them. */
export const natsLayerFor = (configProvider: ConfigProvider.ConfigProvider) =>
  natsLayer("test").pipe(
    Layer.provideMerge(Readiness.layer),
    Layer.provideMerge(ConfigProvider.layer(configProvider)),
    Layer.fresh
  )

export const natsForTestWith = (options: Parameters<typeof testNatsWith>[0]) =>
  Effect.map(testNatsWith(options), (nats) => ({ nats, layer: natsLayerFor(nats.configProvider) }))

export const natsForTest = natsForTestWith({})
