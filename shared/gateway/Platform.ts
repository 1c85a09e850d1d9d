// What a platform is to its gateway: a few limits, and a way to send. Everything else is the same for all.
import type { Effect, Scope } from "effect"
import type { Attempt, Message } from "#shared/contract/Events.ts"
import type { Platform, Recipient, Sender } from "#shared/contract/fields/Fields.ts"
import type { Limit } from "./limits/Windows.ts"
import type { NotAccepted, Outcome } from "./Outcome.ts"
import type { Contacts } from "./people/Contacts.ts"
import type { InboundDefinition } from "./people/Inbound.ts"

/** Sends once and never fails: what happened is the outcome. */
export type Send = Effect.Effect<Outcome>

/**
 * Gets what must be at hand before the platform is asked, and keeps it until the scope closes. May wait for long: nothing of it
 * is at the platform, and whether the message is still to be sent is looked at afterwards. Fails with why it cannot be sent.
 */
export interface Preparation {
  readonly prepare: Effect.Effect<Send, NotAccepted, Scope.Scope>
}

/** One call to the platform. */
export type Call = Send | Preparation

export interface SenderDefinition {
  readonly name: Sender
  /**
   * The calls that deliver a message to its recipient, who is no contact any more but an address, in order: one, or one
   * for each part of a long one. At least one. `nameOf` names it where the address must not be known.
   */
  readonly calls: (message: Message, attempt: Attempt, nameOf: Contacts["nameOf"]) => ReadonlyArray<Call>
  /** How it hears from people; nothing if it does not. */
  readonly inbound?: InboundDefinition
  /** Whether a message to somebody who opted out is refused, or is the publisher's concern. */
  readonly obeysOptOut?: boolean
}

export interface GatewayDefinition {
  readonly platform: Platform
  /** Each has its own limits, queue and circuit. */
  readonly senders: ReadonlyArray<SenderDefinition>
  /** Sends of one sender under way at once. */
  readonly connections: number
  /** Sends of one sender in any second; 0 for no limit. */
  readonly perSecond: number
  /** What limits a single recipient, beside the limit of the sender; nothing for none. */
  readonly recipientLimit: (recipient: Recipient) => Omit<Limit, "key"> | undefined
  /** Sends to one recipient under way at once: 1 if left out, which keeps the order in which they were due. */
  readonly atOnce?: number
  /** Whom a failure that is no message's own is held against: the sender if left out; the recipient where each recipient
   * is a server of its own. */
  readonly blames?: "sender" | "recipient"
}
