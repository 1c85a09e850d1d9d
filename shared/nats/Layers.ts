// Everything a service needs of NATS, in one layer; the connection is shared by all services of a process.
import { Layer } from "effect"
import { EventLog } from "./EventLog.ts"
import { Nats } from "./Nats.ts"
import { Publisher } from "./Publisher.ts"

export const natsLayer = (service: string) =>
  Publisher.layer(service).pipe(Layer.provideMerge(EventLog.layer), Layer.provideMerge(Nats.layer))

/** The same for a command, which does not wait for a server that is away. */
export const natsLayerWithoutWaiting = (name: string) =>
  Publisher.layer(name).pipe(Layer.provideMerge(EventLog.layer), Layer.provideMerge(Nats.layerWithoutWaiting))
