// What each platform can carry, known before anything is sent: the scheduler refuses what its platform never would take.
// Pure; the gateways build on the same rules.
import type { Message } from "#shared/contract/Events.ts"
import type { Content, Platform, Problem, Recipient } from "#shared/contract/Fields.ts"
import { telegramRules } from "./Telegram.ts"
import { webhookRules } from "./Webhook.ts"

export interface PlatformRules {
  /** The kinds of address it takes, the usual one first. */
  readonly addresses: ReadonlyArray<keyof Recipient>
  /** What of such a content could never be sent. Paths begin at the content. */
  readonly contentProblems: (content: Content) => ReadonlyArray<Problem>
}

export const platformRules: { readonly [Name in Platform]: PlatformRules } = {
  telegram: telegramRules,
  webhook: webhookRules
}

type Sendable = Pick<Message, "platform" | "recipient" | "content">

/** Everything about a message that its platform, or one that it falls back to, would never take. */
export const unsendable = (message: Sendable & Pick<Message, "fallback">): ReadonlyArray<Problem> => [
  ...problemsOn(message, ""),
  ...(message.fallback ?? []).flatMap((channel, index) =>
    problemsOn({ ...channel, content: channel.content ?? message.content }, `fallback.${index}.`)
  )
]

const problemsOn = ({ platform, recipient, content }: Sendable, prefix: string): ReadonlyArray<Problem> => {
  const { addresses, contentProblems } = platformRules[platform]
  const [usual, ...others] = addresses
  const required = [`is required on ${platform}`, ...others].join(", or ")
  const wrongAddress = addresses.every((address) => recipient[address] === undefined)
    ? [{ path: `recipient.${usual}`, problem: required }]
    : []
  return [
    ...wrongAddress,
    ...contentProblems(content).map(({ path, problem }) => ({ path: path ? `content.${path}` : "content", problem }))
  ].map(({ path, problem }) => ({ path: `${prefix}${path}`, problem }))
}
