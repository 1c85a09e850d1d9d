// What each platform can carry, known before anything is sent: the scheduler refuses what its platform never would take.
// Pure; the gateways build on the same rules.
import type { TooLong } from "#shared/contract/Content.ts"
import type { Message } from "#shared/contract/Events.ts"
import type { Content, Platform, Problem, Recipient } from "#shared/contract/Fields.ts"
import { telegramRules } from "./telegram/TelegramRules.ts"
import { webhookRules } from "./Webhook.ts"

export interface PlatformRules {
  /** The one kind of address it has. */
  readonly address: keyof Recipient
  /** What of such a content could never be sent. Paths begin at the content. */
  readonly contentProblems: (content: Content) => ReadonlyArray<Problem>
  /** The content with what is to be done if its text is too long, where that matters and it says nothing itself. */
  readonly settled?: (content: Content, tooLong: TooLong) => Content
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

/** The message with what the scheduler is configured to do with text that is too long, so that no gateway need know. */
export const settling =
  (tooLong: TooLong) =>
  (message: Message): Message => {
    const settle = (platform: Platform, content: Content) =>
      platformRules[platform].settled?.(content, tooLong) ?? content
    const own = [message, ...(message.fallback ?? []).filter(({ content }) => content === undefined)]
    const content = own.reduce((content, { platform }) => settle(platform, content), message.content)
    const fallback = message.fallback?.map((channel) =>
      channel.content === undefined ? channel : { ...channel, content: settle(channel.platform, channel.content) }
    )
    return { ...message, content, ...(fallback === undefined ? {} : { fallback }) }
  }

const problemsOn = ({ platform, recipient, content }: Sendable, prefix: string): ReadonlyArray<Problem> => {
  const { address, contentProblems } = platformRules[platform]
  const wrongAddress =
    recipient[address] === undefined ? [{ path: `recipient.${address}`, problem: `is required on ${platform}` }] : []
  return [
    ...wrongAddress,
    ...contentProblems(content).map(({ path, problem }) => ({ path: path ? `content.${path}` : "content", problem }))
  ].map(({ path, problem }) => ({ path: `${prefix}${path}`, problem }))
}
