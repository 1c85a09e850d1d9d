// On how many servers of a cluster a stream is kept, and on how many it should be.
import { setting, whole } from "#shared/service/Settings.ts"

export const replicasSetting = setting("STREAMS_REPLICAS", whole(1, 5), {
  says: "On how many servers of a cluster each stream is to be kept. Of those that exist `carillon nats provision` raises the number, and lowers none",
  byDefault: 1
})

/** What is wrong with it; nothing if nothing is. `cluster`: the name of the one that the server is in. */
export const tooFewReplicas = (has: number, wanted: number, cluster: string | undefined): string | undefined => {
  if (has < wanted) return `kept on ${has} of the ${wanted} servers that STREAMS_REPLICAS says: carillon nats provision`
  if (has > 1 || cluster === undefined) return undefined
  return `kept on one server of the cluster ${cluster} alone, and lost with it: STREAMS_REPLICAS=3, carillon nats provision`
}
