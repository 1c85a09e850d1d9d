// Everything a service needs of NATS, in one layer; the connection is shared by all services of a process.
import { Layer } from "effect"
import { Publisher } from "../messages/Publisher.ts"
import { EventLog } from "../stores/EventLog.ts"
import { Memory } from "../stores/Memory.ts"
import { Nats } from "./Nats.ts"

export const natsLayer = (service: string) =>
  Memory.layer.pipe(
    Layer.provideMerge(Publisher.layer(service)),
    Layer.provideMerge(EventLog.layer),
    Layer.provideMerge(Nats.layer)
  )

/** The same for a command, which does not wait for a server that is away. */
export const natsLayerWithoutWaiting = (name: string) =>
  Memory.layer.pipe(
    Layer.provideMerge(Publisher.layer(name)),
    Layer.provideMerge(EventLog.layer),
    Layer.provideMerge(Nats.layerWithoutWaiting)
  )
