// The flags that say to whom: an address of the kind that the platform has, or a contact.
import { Effect, Option } from "effect"
import { Flag } from "effect/cli"
import { platformRules } from "#shared/platforms/Platforms.ts"
import { Refused } from "../output/Exit.ts"
import { given, optional } from "./Flags.ts"

export const recipientFlags = {
  to: Flag.String("to").pipe(
    Flag.withDescription("The address on its platform: a Telegram chat id or @channel, a webhook's https:// address"),
    Flag.withAlias("chat"),
    Flag.optional
  ),
  contact: optional("contact", "Instead of --to: who has opened a link, see carillon link")
}

interface ToWhom {
  readonly to: Option.Option<string>
  readonly contact: Option.Option<string>
}

export const recipientOf = (platform: string, { to, contact }: ToWhom) =>
  Option.isSome(to) === Option.isSome(contact)
    ? new Refused({ message: "say to whom: give either --to or --contact" })
    : Effect.succeed(given({ [addressKind(platform)]: to, contact }))

/** A platform that nobody knows is refused by the scheduler, in its own words. */
const addressKind = (platform: string) =>
  Object.entries(platformRules).find(([name]) => name === platform)?.[1].addresses[0] ?? "chatId"
