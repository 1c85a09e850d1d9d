// The objects of NACK, the JetStream controller (jetstream.nats.io/v1beta2), as its CRDs have them: nats-io/nack,
// deploy/crds.yml of 2026-04. No package has these types.
import type { Custom } from "./Custom.ts"

type Duration = `${number}${"ns" | "us" | "ms" | "s" | "m" | "h"}`

/** How the controller gets to NATS, and what it does with what is there. */
interface Managed {
  readonly account?: string
  readonly creds?: string
  readonly nkey?: string
  readonly servers?: ReadonlyArray<string>
  readonly tls?: { readonly clientCert?: string; readonly clientKey?: string; readonly rootCas?: ReadonlyArray<string> }
  readonly tlsFirst?: boolean
  readonly jsDomain?: string
  readonly preventDelete?: boolean
  readonly preventUpdate?: boolean
}

interface Kept {
  readonly description?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly replicas?: number
}

interface Placed {
  readonly placement?: { readonly cluster?: string; readonly tags?: ReadonlyArray<string> }
  readonly storage?: "file" | "memory"
  readonly maxBytes?: number
}

interface Transform {
  readonly source?: string
  readonly dest?: string
}

interface Source {
  readonly name?: string
  readonly optStartSeq?: number
  readonly optStartTime?: string
  readonly filterSubject?: string
  readonly externalApiPrefix?: string
  readonly externalDeliverPrefix?: string
  readonly subjectTransforms?: ReadonlyArray<Transform>
}

export interface StreamSpec extends Managed, Kept, Placed {
  readonly name: string
  readonly subjects?: ReadonlyArray<string>
  readonly retention?: "limits" | "interest" | "workqueue"
  readonly discard?: "old" | "new"
  readonly discardPerSubject?: boolean
  readonly compression?: "s2" | "none" | ""
  readonly persistMode?: string
  readonly maxConsumers?: number
  readonly maxMsgs?: number
  readonly maxMsgsPerSubject?: number
  readonly maxMsgSize?: number
  readonly maxAge?: Duration | ""
  readonly duplicateWindow?: Duration
  readonly subjectDeleteMarkerTtl?: Duration
  readonly consumerLimits?: { readonly inactiveThreshold?: Duration; readonly maxAckPending?: number }
  readonly firstSequence?: number
  readonly mirror?: Source
  readonly sources?: ReadonlyArray<Source>
  readonly republish?: { readonly source?: string; readonly destination?: string }
  readonly subjectTransform?: Transform
  readonly noAck?: boolean
  readonly sealed?: boolean
  readonly denyDelete?: boolean
  readonly denyPurge?: boolean
  readonly mirrorDirect?: boolean
  readonly allowAtomicPublish?: boolean
  readonly allowDirect?: boolean
  readonly allowMsgCounter?: boolean
  readonly allowMsgSchedules?: boolean
  readonly allowMsgTtl?: boolean
  readonly allowRollup?: boolean
}

export interface ConsumerSpec extends Managed, Kept {
  readonly streamName: string
  readonly durableName: string
  readonly deliverPolicy?: "all" | "last" | "new" | "byStartSequence" | "byStartTime" | "lastPerSubject"
  readonly deliverSubject?: string
  readonly deliverGroup?: string
  readonly optStartSeq?: number
  readonly optStartTime?: string
  readonly ackPolicy?: "none" | "all" | "explicit"
  readonly ackWait?: Duration
  readonly maxDeliver?: number
  readonly backoff?: ReadonlyArray<Duration>
  readonly filterSubject?: string
  readonly filterSubjects?: ReadonlyArray<string>
  readonly replayPolicy?: "instant" | "original"
  readonly sampleFreq?: string
  readonly rateLimitBps?: number
  readonly maxAckPending?: number
  readonly maxWaiting?: number
  readonly maxRequestBatch?: number
  readonly maxRequestExpires?: Duration
  readonly maxRequestMaxBytes?: number
  readonly inactiveThreshold?: Duration
  readonly heartbeatInterval?: Duration
  readonly flowControl?: boolean
  readonly headersOnly?: boolean
  readonly memStorage?: boolean
  readonly pauseUntil?: string
  readonly priorityPolicy?: "none" | "overflow" | "pinned_client" | "prioritized"
  readonly priorityGroups?: ReadonlyArray<string>
  readonly pinnedTtl?: Duration
}

export interface ObjectStoreSpec extends Managed, Kept, Placed {
  readonly bucket: string
  readonly ttl?: Duration
  readonly compression?: boolean
}

export interface KeyValueSpec extends Managed, Placed {
  readonly bucket: string
  readonly description?: string
  readonly replicas?: number
  readonly ttl?: Duration
  readonly limitMarkerTtl?: number
  readonly history?: number
  readonly maxValueSize?: number
  readonly compression?: boolean
  readonly republish?: { readonly source?: string; readonly destination?: string }
  readonly mirror?: Source
  readonly sources?: ReadonlyArray<Source>
}

export type IStream = Custom<"jetstream.nats.io/v1beta2", "Stream", StreamSpec>
export type IConsumer = Custom<"jetstream.nats.io/v1beta2", "Consumer", ConsumerSpec>
export type IObjectStore = Custom<"jetstream.nats.io/v1beta2", "ObjectStore", ObjectStoreSpec>
export type IKeyValue = Custom<"jetstream.nats.io/v1beta2", "KeyValue", KeyValueSpec>
