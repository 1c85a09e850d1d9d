// Where the files of a message come from: what Telegram has already, an address that it fetches, or our own object store.
// What it once took from this bot is known to it by an id, which is remembered and sent instead the next time.
import { createHash } from "node:crypto"
import { Effect, Option, type Semaphore } from "effect"
import type { FileKind, FileSource } from "#shared/contract/Content.ts"
import type { Sender } from "#shared/contract/Fields.ts"
import { type NotAccepted, Outcome } from "#shared/gateway/Outcome.ts"
import type { Preparation } from "#shared/gateway/Platform.ts"
import type { Files } from "#shared/nats/Files.ts"
import type { Memory } from "#shared/nats/Memory.ts"
import type { Sent } from "./BotAnswers.ts"
import { type Media, Upload } from "./BotRequests.ts"

export interface Shelf {
  readonly sender: Sender
  readonly memory: Memory["Service"]
  readonly files: Files["Service"]
  /** One permit a megabyte that is in memory for an upload. */
  readonly megabytes: Semaphore.Semaphore
}

/** At most so many at once. */
export const uploadMegabytes = 256

export interface Wanted {
  readonly kind: FileKind
  readonly file: FileSource
  /** What the recipient sees an object called. */
  readonly name?: string | undefined
}

interface Found {
  readonly kind: FileKind
  readonly media: Effect.Effect<Media, NotAccepted>
  /** Of what is to be uploaded. */
  readonly bytes: number
  /** Where its id is remembered, and for how long. */
  readonly key?: string
  readonly seconds?: number
  readonly cached: boolean
}

const megabyte = 1_048_576
/** Telegram's limits for uploads. */
const mostBytes = (kind: FileKind) => (kind === "photo" ? 10 : 50) * megabyte

const month = 30 * 86_400
/** What stands behind an address may change: long enough for a message to many, no longer. */
const hour = 3_600

const { RejectedContent, Transient } = Outcome
export const unreachable = Transient({ reason: "store-unreachable" })
const missing = RejectedContent({ reason: "file-missing" })

const keyOf = ({ sender }: Shelf, kind: FileKind, ...content: ReadonlyArray<string>) =>
  `telegram.${sender}.${kind}.${createHash("sha256").update(content.join("\u0000")).digest("base64url")}`

const find = Effect.fnUntraced(function* (shelf: Shelf, wanted: Wanted) {
  const { kind, file } = wanted
  if (file.fileId !== undefined)
    return { kind, media: Effect.succeed(file.fileId), bytes: 0, cached: false } satisfies Found
  const found =
    file.url === undefined ? yield* findObject(shelf, wanted, file.object ?? "") : fetched(shelf, kind, file.url)
  // Without memory it is sent as if for the first time.
  const id = yield* Effect.orElseSucceed(shelf.memory.recall("file", found.key), () => Option.none())
  return Option.isNone(id)
    ? found
    : ({ kind, media: Effect.succeed(id.value.value), bytes: 0, key: found.key, cached: true } satisfies Found)
})

const fetched = (shelf: Shelf, kind: FileKind, url: string) =>
  ({
    kind,
    media: Effect.succeed(url),
    bytes: 0,
    key: keyOf(shelf, kind, "url", url),
    seconds: hour,
    cached: false
  }) satisfies Found

const findObject = Effect.fnUntraced(function* (shelf: Shelf, { kind, name }: Wanted, object: string) {
  const info = yield* Effect.mapError(shelf.files.info(object), () => unreachable)
  if (Option.isNone(info)) return yield* Effect.fail(missing)
  const { digest, size } = info.value
  if (size > mostBytes(kind)) return yield* Effect.fail(RejectedContent({ reason: "file-too-big" }))
  const called = name ?? object
  const media = shelf.files.read(object).pipe(
    Effect.mapError(() => unreachable),
    Effect.flatMap((bytes) =>
      Option.isNone(bytes) ? Effect.fail(missing) : Effect.succeed(new Upload(bytes.value, called))
    )
  )
  // The name is part of what Telegram keeps: one recipient must not see how another's file was called.
  return {
    kind,
    media,
    bytes: size,
    key: keyOf(shelf, kind, digest, called),
    seconds: month,
    cached: false
  } satisfies Found
})

/**
 * Sends files by `send`, which is called once. Where Telegram no longer knew an id that we remembered, it is forgotten, and the
 * next try sends the file itself: a try of its own, so that the log says of this one that nothing was sent.
 */
export const sendFiles = (
  shelf: Shelf,
  wanted: ReadonlyArray<Wanted>,
  send: (media: ReadonlyArray<Media>) => Effect.Effect<Sent>
): Preparation => ({
  prepare: Effect.gen(function* () {
    const found: ReadonlyArray<Found> = yield* Effect.forEach(wanted, (one) => find(shelf, one))
    const bytes = found.reduce((sum, one) => sum + one.bytes, 0)
    if (bytes > 0) yield* shelf.megabytes.takeScoped(Math.min(uploadMegabytes, Math.ceil(bytes / megabyte)))
    const media = yield* Effect.forEach(found, ({ media }) => media)
    return Effect.gen(function* () {
      const sent = yield* send(media)
      yield* Effect.forkDetach(Effect.ignore(remember(shelf, found, sent)))
      const { outcome } = sent
      const stale = found.filter(({ cached }) => cached)
      if (outcome._tag !== "RejectedContent" || outcome.reason !== "bad-file" || stale.length === 0) return outcome
      return yield* Effect.forEach(stale, ({ key = "" }) => shelf.memory.forget("file", key)).pipe(
        Effect.as(Outcome.Postponed({ reason: "file-id-forgotten" })),
        Effect.orElseSucceed(() => unreachable)
      )
    })
  })
})

const remember = ({ memory }: Shelf, found: ReadonlyArray<Found>, { outcome, fileIds }: Sent) =>
  Effect.forEach(
    outcome._tag === "Accepted" ? found : [],
    ({ key, seconds, cached }, index) => {
      const id = fileIds[index]
      return key === undefined || seconds === undefined || cached || id === undefined
        ? Effect.void
        : memory.remember("file", key, id, { seconds })
    },
    { discard: true }
  )
