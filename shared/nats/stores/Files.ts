// Files that messages carry: a bucket of NATS's object store, which cuts them in pieces and proves them by a digest.
import type { ReadableStream } from "node:stream/web"
import { JetStreamApiError } from "@nats-io/jetstream"
import { type ObjectInfo, type ObjectStore, Objm } from "@nats-io/obj"
import { Context, Effect, Layer, Option } from "effect"
import { attempt, Nats, NatsError } from "../connection/Nats.ts"
import { filesBucket } from "../layout/Topology.ts"

export interface FileInfo {
  readonly name: string
  /** In bytes. */
  readonly size: number
  /** SHA-256 in base64url. */
  readonly digest: string
  readonly storedAt: string
}

export class Files extends Context.Service<
  Files,
  {
    /** Takes the place of what had this name. */
    put(name: string, bytes: ReadableStream<Uint8Array>): Effect.Effect<FileInfo, NatsError>
    info(name: string): Effect.Effect<Option.Option<FileInfo>, NatsError>
    /** The whole file, proved by its digest. */
    read(name: string): Effect.Effect<Option.Option<Uint8Array>, NatsError>
    readonly list: Effect.Effect<ReadonlyArray<FileInfo>, NatsError>
    /** False if there was none. */
    remove(name: string): Effect.Effect<boolean, NatsError>
  }
>()("shared/nats/stores/Files") {
  static readonly layer = Layer.effect(
    Files,
    Effect.gen(function* () {
      const { js } = yield* Nats
      const stores = new Objm(js)
      const ask = <A>(operation: string, run: (store: ObjectStore) => Promise<A>) =>
        attempt(operation, async () => run(await stores.open(filesBucket, false)))
      const info = (name: string) =>
        Effect.map(missingIsNull(ask("look up a file", (store) => store.info(name))), (found) =>
          found === null || found.deleted ? Option.none() : Option.some(infoOf(found))
        )
      return Files.of({
        put: (name, bytes) =>
          Effect.map(
            ask("store a file", (store) => store.put({ name }, bytes as never)),
            infoOf
          ),
        info,
        read: (name) =>
          missingIsNull(ask("read a file", (store) => store.getBlob(name))).pipe(
            // What never comes is not waited for: its pieces may be gone.
            Effect.timeoutOrElse({
              duration: "60 seconds",
              orElse: () => Effect.fail(new NatsError({ operation: "read a file", cause: new Error("timed out") }))
            }),
            Effect.map(Option.fromNullishOr)
          ),
        list: Effect.map(
          Effect.map(missingIsNull(ask("list files", (store) => store.list())), (found) => found ?? []),
          (found) => found.map(infoOf)
        ),
        remove: Effect.fnUntraced(function* (name) {
          if (Option.isNone(yield* info(name))) return false
          yield* ask("remove a file", (store) => store.delete(name))
          return true
        })
      })
    })
  )
}

const infoOf = ({ name, size, digest, mtime }: ObjectInfo): FileInfo => ({
  name,
  size,
  digest: digest.replace(/^SHA-256=/, "").replace(/=+$/, ""),
  storedAt: mtime
})

const missingIsNull = <A>(asked: Effect.Effect<A, NatsError>): Effect.Effect<A | null, NatsError> =>
  Effect.catchIf(
    asked,
    ({ cause }) => cause instanceof JetStreamApiError && cause.status === 404,
    () => Effect.succeed(null)
  )
