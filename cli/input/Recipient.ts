// The flags that say to whom: an address of the kind that the platform has, or a contact.
import { Effect, Option } from "effect"
import { Flag } from "effect/cli"
import { platformRules } from "#shared/platforms/Platforms.ts"
import { Refused } from "../output/Exit.ts"
import { given, optional } from "./Flags.ts"
import { lineOfInput } from "./StandardInput.ts"

export const recipientFlags = {
  to: Flag.String("to").pipe(
    Flag.withDescription(
      "The address on its platform: a Telegram chat id or @channel, a webhook's https:// address; or - to read it from standard input"
    ),
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
    : Effect.map(Effect.transposeOption(Option.map(to, addressSaid)), (to) =>
        given({ [addressKind(platform)]: to, contact })
      )

/** As it was given, or read from standard input: an argument is seen by all who may list processes, and is kept by shells. */
export const addressSaid = (said: string) =>
  (said === "-" ? typed : Effect.succeed(said)).pipe(
    Effect.filterOrFail(
      (address) => address !== "",
      () => new Refused({ message: "the address is empty" })
    )
  )

const typed = Effect.tryPromise({
  try: () => lineOfInput("address"),
  catch: (error) => new Refused({ message: `cannot read the address from standard input: ${(error as Error).message}` })
})

/** A platform that nobody knows is refused by the scheduler, in its own words. */
const addressKind = (platform: string) =>
  Object.entries(platformRules).find(([name]) => name === platform)?.[1].addresses[0] ?? "chatId"
