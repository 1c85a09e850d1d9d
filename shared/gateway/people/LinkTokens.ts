// The tokens by which a person becomes a contact: random, for one use, with an end. Only a token's hash is kept, so that
// nobody who can read what is remembered can use it.
import { createHash, randomBytes } from "node:crypto"
import { Effect, Option, Result } from "effect"
import { decodeWith } from "#shared/actor/Decode.ts"
import { Link } from "#shared/contract/Contacts.ts"
import type { ContactId, Instant, Platform, Sender } from "#shared/contract/fields/Fields.ts"
import { fromMillis, toMillis } from "#shared/contract/fields/Instants.ts"
import { Memory } from "#shared/nats/stores/Memory.ts"

const decode = decodeWith(Link)

/** A platform may bring in time what was said in time, and yet a day later. */
const graceSeconds = 86_400
/** How long a token that was used is known as such. */
const usedSeconds = 30 * 86_400

const keyOf = (platform: Platform, sender: Sender, token: string) =>
  `${platform}.${sender}.${createHash("sha256").update(token).digest("base64url")}`

/** 43 of A-Za-z0-9_-. Of two links of one contact the one that was made later holds. */
export const createToken = Effect.fnUntraced(function* (
  platform: Platform,
  sender: Sender,
  contact: ContactId,
  expiresAt: number,
  madeAt: number
) {
  const { remember } = yield* Memory
  const token = randomBytes(32).toString("base64url")
  const link: Link = { contact, expiresAt: fromMillis(expiresAt), madeAt: fromMillis(madeAt) }
  const seconds = Math.ceil((expiresAt - madeAt) / 1_000) + graceSeconds
  yield* remember("link", keyOf(platform, sender, token), JSON.stringify(link), { expected: 0, seconds })
  return token
})

export interface Use {
  readonly token: string
  /** Names the use: the same one again is the same use. */
  readonly cause: string
  /** Names the chat without telling it. */
  readonly chat: string
  /** When it was used, by the platform's clock. */
  readonly at: number
}

export type Taken =
  /** By this very use, now or before it was interrupted. */
  | { readonly _tag: "Taken"; readonly contact: ContactId; readonly madeAt: Instant | undefined }
  /** By an earlier use from the same chat. */
  | { readonly _tag: "Before"; readonly contact: ContactId }
  | { readonly _tag: "ByAnother"; readonly contact: ContactId }
  | { readonly _tag: "Expired" }
  | { readonly _tag: "Unknown" }

export const takeToken = Effect.fnUntraced(function* (platform: Platform, sender: Sender, use: Use) {
  const { recall, remember } = yield* Memory
  const key = keyOf(platform, sender, use.token)
  while (true) {
    const found = yield* recall("link", key)
    const link = Option.flatMap(found, ({ value }) => Result.getSuccess(decode(value)))
    if (Option.isNone(found) || Option.isNone(link)) return { _tag: "Unknown" } satisfies Taken as Taken
    const known = judge(link.value, use)
    if (known) return known
    const taken: Link = { ...link.value, taken: { cause: use.cause, chat: use.chat } }
    const keeping = { expected: found.value.sequence, seconds: usedSeconds }
    yield* remember("link", key, JSON.stringify(taken), keeping)
  }
})

/** Pure. Nothing if it is there to be taken. */
const judge = ({ contact, expiresAt, madeAt, taken }: Link, { at, cause, chat }: Use): Taken | undefined => {
  if (taken) {
    if (taken.cause === cause) return { _tag: "Taken", contact, madeAt }
    return { _tag: taken.chat === chat ? "Before" : "ByAnother", contact }
  }
  return at > toMillis(expiresAt) ? { _tag: "Expired" } : undefined
}
