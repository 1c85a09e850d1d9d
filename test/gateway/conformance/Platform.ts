// What the conformance suite must know of a platform: how it is stood in for, and how it says what the suite wants said.
import { Data, type Effect, type Scope } from "effect"
import type { Platform, Recipient } from "#shared/contract/fields/Fields.ts"
import type { ServiceName } from "#shared/service/Services.ts"

/** One call that came in, whatever was answered. */
export interface Arrival {
  /** The recipient's address. */
  readonly to: string
  readonly text: string
  /** Milliseconds since the epoch, with fractions. */
  readonly at: number
}

/** What the platform does with one call, in the words of the kit; the stand-in says it in its own. */
export type Fault = Data.TaggedEnum<{
  /** Takes it, this late. */
  Slow: { readonly millis: number }
  ThrottlesRecipient: { readonly seconds: number }
  ThrottlesSender: { readonly seconds: number }
  /** Refuses it now, by no fault of the message. */
  RefusesForNow: Record<never, never>
  RejectsContent: Record<never, never>
  RejectsRecipient: Record<never, never>
  RejectsSender: Record<never, never>
  /** Takes it, and the answer is lost. */
  LosesAnswer: Record<never, never>
  /** Takes it, and never answers. */
  Hangs: Record<never, never>
}>
export const Fault = Data.taggedEnum<Fault>()

/** What becomes of each call; nothing lets the platform take it as usual. */
export type Plan = (arrival: Arrival) => Fault | undefined

export interface StandIn {
  /** Where the gateway finds it. */
  readonly root: string
  readonly arrivals: () => ReadonlyArray<Arrival>
  /** Those that reached the recipient. */
  readonly received: () => ReadonlyArray<Arrival>
}

export interface Limits {
  /** Of the sender, and of each recipient; 0 for none. */
  readonly perSecond: number
  readonly recipientPerSecond: number
}

export interface PlatformUnderTest {
  readonly platform: Platform
  readonly gateway: ServiceName
  readonly start: (plan: Plan) => Effect.Effect<StandIn, never, Scope.Scope>
  /** The environment of its gateway. */
  readonly settings: (root: string, limits: Limits) => Readonly<Record<string, string>>
  /** The nth of many, all different. */
  readonly recipient: (root: string, n: number) => Recipient
  /** Parts of secrets and of every recipient's address: the suite searches for them where they must not be. */
  readonly hidden: ReadonlyArray<string>
  /** Whose circuit a refusal of the sender opens. */
  readonly blames: "sender" | "recipient"
  /** What this platform has no way to say. */
  readonly neverSays: ReadonlyArray<Fault["_tag"]>
}
