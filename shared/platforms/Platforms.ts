// What each platform can carry, known before anything is sent: the scheduler refuses what its platform never would take.
// Pure; the gateways build on the same rules.
import type { TooLong } from "#shared/contract/Content.ts"
import type { Message } from "#shared/contract/Events.ts"
import type { Content, Platform, Problem, Recipient } from "#shared/contract/fields/Fields.ts"
import type { Capabilities, PlatformRules } from "./PlatformRules.ts"
import { telegramRules } from "./telegram/TelegramRules.ts"
import { webhookRules } from "./Webhook.ts"

export const platformRules: { readonly [Name in Platform]: PlatformRules } = {
  telegram: telegramRules,
  webhook: webhookRules
}

/** In one line, for people. */
export const inWords = ({ addresses, contents, receipts, text }: Capabilities): string => {
  const carries = contents === "any" ? "any content" : contents.join(", ")
  const beyond = text === "any" ? "of any length" : `up to ${text.longest} code points, longer ${outcomes[text.beyond]}`
  const told = receipts.length === 0 ? "no receipts: sent is the last to be known" : `tells ${receipts.join(" and ")}`
  return `addresses are ${addresses.join(" or ")}; carries ${carries}; text ${beyond}; ${told}`
}
const outcomes = { refused: "is refused", parts: "goes in parts" }

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
  return [
    ...addressProblems(platform, recipient),
    ...contentProblems(platform, content).map(({ path, problem }) => ({
      path: path ? `content.${path}` : "content",
      problem
    }))
  ].map(({ path, problem }) => ({ path: `${prefix}${path}`, problem }))
}

const addressProblems = (platform: Platform, recipient: Recipient): ReadonlyArray<Problem> => {
  const { addresses, addressProblem } = platformRules[platform]
  const [usual, ...others] = addresses
  const kind = addresses.find((address) => recipient[address] !== undefined)
  const given = kind && recipient[kind]
  const problem =
    given === undefined ? [`is required on ${platform}`, ...others].join(", or ") : addressProblem?.(given)
  return problem === undefined ? [] : [{ path: `recipient.${kind ?? usual}`, problem }]
}

const contentProblems = (platform: Platform, content: Content): ReadonlyArray<Problem> => {
  const { contents, contentProblems: ofPlatform, text } = platformRules[platform]
  if (contents !== "any" && !contents.includes(content.type))
    return [{ path: "type", problem: `is not carried by ${platform}` }]
  const tooLong =
    content.type === "text" && text !== "any" && text.beyond === "refused" && [...content.text].length > text.longest
  return [
    ...(tooLong
      ? [{ path: "text", problem: `is longer than the ${text.longest} code points that ${platform} takes` }]
      : []),
    ...ofPlatform(content)
  ]
}
