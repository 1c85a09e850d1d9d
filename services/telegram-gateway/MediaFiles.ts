// Where the files of a message come from: what Telegram has already, an address that it fetches, or our own object store.
// What it once took from this bot is known to it by an id, which is remembered and sent instead the next time.
import { createHash } from "node:crypto"
import { Effect, Option, type Semaphore } from "effect"
import type { FileKind, FileSource } from "#shared/contract/Content.ts"
import type { Sender } from "#shared/contract/fields/Fields.ts"
import { type NotAccepted, Outcome } from "#shared/gateway/Outcome.ts"
import type { Preparation } from "#shared/gateway/Platform.ts"
import type { Files } from "#shared/nats/stores/Files.ts"
import type { Memory } from "#shared/nats/stores/Memory.ts"
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
  readonly media: Effect.Effect<Got, NotAccepted>
  /** Of what is to be uploaded, as it was looked up: another file may have its name when it is read. */
  readonly bytes: number
  /** Where its id is remembered. */
  readonly key?: string
}

interface Got {
  readonly media: Media
  /** Where the id that Telegram gives it is to be remembered, and for how long. */
  readonly keep?: { readonly key: string; readonly seconds: number }
  /** Where the id was remembered that is sent. */
  readonly from?: string
}

const megabyte = 1_048_576
/** Telegram's limits for uploads. */
const mostBytes = (kind: FileKind) => (kind === "photo" ? 10 : 50) * megabyte

const month = 30 * 86_400
/** What stands behind an address may change: long enough for a message to many, no longer. */
const hour = 3_600

const { RejectedContent, Transient } = Outcome
export const unreachable = Transient({ reason: "store-unreachable" })
const tooBig = RejectedContent({ reason: "file-too-big" })
const missing = RejectedContent({ reason: "file-missing" })

const keyOf = ({ sender }: Shelf, kind: FileKind, ...content: ReadonlyArray<string>) =>
  `telegram.${sender}.${kind}.${createHash("sha256").update(content.join("\u0000")).digest("base64url")}`

const find = Effect.fnUntraced(function* (shelf: Shelf, wanted: Wanted) {
  const { kind, file } = wanted
  if (file.fileId !== undefined) return { media: Effect.succeed({ media: file.fileId }), bytes: 0 } satisfies Found
  const found =
    file.url === undefined ? yield* findObject(shelf, wanted, file.object ?? "") : fetched(shelf, kind, file.url)
  // Without memory it is sent as if for the first time.
  const id = yield* Effect.orElseSucceed(shelf.memory.recall("file", found.key), () => Option.none())
  return Option.isNone(id)
    ? found
    : ({ media: Effect.succeed({ media: id.value.value, from: found.key }), bytes: 0 } satisfies Found)
})

const fetched = (shelf: Shelf, kind: FileKind, url: string) => {
  const key = keyOf(shelf, kind, "url", url)
  return { media: Effect.succeed({ media: url, keep: { key, seconds: hour } }), bytes: 0, key } satisfies Found
}

const findObject = Effect.fnUntraced(function* (shelf: Shelf, { kind, name }: Wanted, object: string) {
  const info = yield* Effect.mapError(shelf.files.info(object), () => unreachable)
  if (Option.isNone(info)) return yield* Effect.fail(missing)
  const { digest, size } = info.value
  if (size > mostBytes(kind)) return yield* Effect.fail(tooBig)
  const called = name ?? object
  // The name is part of what Telegram keeps: one recipient must not see how another's file was called.
  const keyFor = (digest: string) => keyOf(shelf, kind, digest, called)
  const media = Effect.gen(function* () {
    const read = yield* Effect.mapError(shelf.files.read(object), () => unreachable)
    if (Option.isNone(read)) return yield* Effect.fail(missing)
    const bytes = read.value
    if (bytes.length > mostBytes(kind)) return yield* Effect.fail(tooBig)
    // Of what was read: the file may have been replaced since it was looked up.
    const key = keyFor(createHash("sha256").update(bytes).digest("base64url"))
    return { media: new Upload(bytes, called), keep: { key, seconds: month } } satisfies Got as Got
  })
  return { media, bytes: size, key: keyFor(digest) } satisfies Found
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
    const got = yield* Effect.forEach(found, ({ media }) => media)
    return Effect.gen(function* () {
      const sent = yield* send(got.map(({ media }) => media))
      yield* Effect.forkDetach(Effect.ignore(remember(shelf, got, sent)))
      const { outcome } = sent
      const stale = got.flatMap(({ from }) => from ?? [])
      if (outcome._tag !== "RejectedContent" || outcome.reason !== "bad-file" || stale.length === 0) return outcome
      return yield* Effect.forEach(stale, (key) => shelf.memory.forget("file", key)).pipe(
        Effect.as(Outcome.Postponed({ reason: "file-id-forgotten" })),
        Effect.orElseSucceed(() => unreachable)
      )
    })
  })
})

const remember = ({ memory }: Shelf, got: ReadonlyArray<Got>, { outcome, fileIds }: Sent) =>
  Effect.forEach(
    outcome._tag === "Accepted" ? got : [],
    ({ keep }, index) => {
      const id = fileIds[index]
      return keep && id !== undefined ? memory.remember("file", keep.key, id, { seconds: keep.seconds }) : Effect.void
    },
    { discard: true }
  )
