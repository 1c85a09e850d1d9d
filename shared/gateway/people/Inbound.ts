// What comes back from people, in the same words for every platform. A platform only fetches and parses; what follows
// from it is the same for all.
import { Data, type Effect, type Result } from "effect"
import type { Recipient } from "#shared/contract/fields/Fields.ts"

/** What a person said or did. Anything else that a platform tells is no update of ours, and is kept nowhere. */
export type Said = Data.TaggedEnum<{
  /** Opened a link with this token. */
  LinkOpened: { readonly token: string }
  Blocked: Record<never, never>
  Unblocked: Record<never, never>
  /** Pressed a button: `button` names the message as the platform could carry it. All but the platform's own id of the
   * message may be made up by the client. `alias`: by which messages to this chat may be addressed too. */
  Replied: {
    readonly button: string
    readonly reply: string
    readonly providerMessageId: string
    readonly alias?: Recipient
  }
  OptedOut: Record<never, never>
  OptedIn: Record<never, never>
}>
export const Said = Data.taggedEnum<Said>()

export interface Update {
  /** The same whenever the platform says it again; of A-Za-z0-9_-. */
  readonly id: string
  readonly recipient: Recipient
  /** By the platform's clock where it tells, in milliseconds. */
  readonly at: number
  readonly said: Said
  /** For an answer: what the platform wants to be told. */
  readonly reference?: string
}

/** What an update came to, for an answer to the person; nothing if it was heard before. */
export type Heard = "linked" | "link-refused" | "received"

/** Why a delivery of a webhook is not taken: it is not the platform who brings it, or it cannot be read. */
export type Refused = "not-authentic" | "unreadable"

export type Header = (name: string) => string | undefined

export interface Polled {
  readonly updates: ReadonlyArray<Update>
  /** Confirms these, when asked for what comes after it. */
  readonly position: string | undefined
  /** As many came as were asked for: more may wait. */
  readonly more: boolean
}

export type Source =
  /**
   * Asked for by the active replica, from a position on; from where nothing was confirmed if there is none. `waits`: while
   * there is nothing, for as long as the platform lets us.
   */
  | {
      readonly way: "polling"
      readonly poll: (position: string | undefined, waits: boolean) => Effect.Effect<Polled, Error>
    }
  /** Brought to any replica by HTTP. The time is that of the arrival. */
  | {
      readonly way: "webhook"
      /** As far as headers tell: of others no body is taken in. */
      readonly admits: (header: Header) => boolean
      readonly parse: (body: Uint8Array, header: Header, now: number) => Result.Result<ReadonlyArray<Update>, Refused>
    }

export interface InboundDefinition {
  readonly source: Source
  /** Tells the platform how updates are to come. Done by the active replica before anything else. */
  readonly prepare: Effect.Effect<void, Error>
  /** The address of a link, up to its token. */
  readonly linkPrefix: Effect.Effect<string, Error>
  /** At most once for each update, when what it leads to is stored. May be left undone. */
  readonly answer: (update: Update, heard: Heard) => Effect.Effect<void>
}
