// The users of NATS that whoever runs this names: systems that publish or follow, and the senders of gateways.
import { Effect, Schema } from "effect"
import { Flag } from "effect/cli"
import { commandNames } from "#shared/contract/Commands.ts"
import { eventTypes } from "#shared/contract/Events.ts"
import { defaultSender, Platform, platforms, Sender } from "#shared/contract/fields/Fields.ts"
import { type OtherSystem, roles, type SenderName, type User } from "#shared/nats/access/Permissions.ts"
import { Refused } from "./output/Exit.ts"

export const senderFlag = Flag.String("sender").pipe(
  Flag.withDescription("A sender of a gateway, telegram/north; repeatable. Those called default are always there"),
  Flag.atLeast(0)
)

const isPlatform = Schema.is(Platform)
const isSender = Schema.is(Sender)

export const senderOf = Effect.fnUntraced(function* (given: string) {
  const [platform, sender, ...rest] = given.split("/")
  if (!isPlatform(platform) || !isSender(sender) || rest.length > 0)
    return yield* new Refused({ message: `a sender must be like telegram/north, one of ${platforms.join(", ")}` })
  return { platform, sender } satisfies SenderName as SenderName
})

export const sendersOf = Effect.fnUntraced(function* (given: ReadonlyArray<string>) {
  const byDefault: ReadonlyArray<SenderName> = platforms.map((platform) => ({ platform, sender: defaultSender }))
  return [...byDefault, ...(yield* Effect.forEach(given, senderOf))]
})

export const publisherFlag = Flag.String("publisher").pipe(
  Flag.withDescription("A system that publishes: its name, or name=schedule,cancel to allow only these; repeatable"),
  Flag.atLeast(0)
)

export const followerFlag = Flag.String("follower").pipe(
  Flag.withDescription(
    "A system that reads events: its name, for what becomes of messages, or name=sent,reply-received for these types; repeatable"
  ),
  Flag.atLeast(0)
)

/** A follower's name is its consumer's too: none may be taken for a queue of a service, of whatever sender. */
const isTaken = (role: OtherSystem, name: string) =>
  roles.some((one) => name === one || (role === "follower" && name.startsWith(`${one}-`)))

/** name, or name=one,another of what there is. */
const named = Effect.fnUntraced(function* <const One extends string>(
  role: OtherSystem,
  given: string,
  what: string,
  all: ReadonlyArray<One>
) {
  const [name = "", list] = given.split("=")
  if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name) || isTaken(role, name))
    return yield* new Refused({ message: `--${role} must have a name of its own, 1 to 32 of a-z 0-9 _ -` })
  const asked = list?.split(",")
  const known = asked?.filter((one): one is One => (all as ReadonlyArray<string>).includes(one))
  if (known?.length !== asked?.length)
    return yield* new Refused({ message: `--${role} ${name}: ${what} are ${all.join(", ")}` })
  return [name, known && [...new Set(known)]] as const
})

export const publishersOf = (given: ReadonlyArray<string>) =>
  Effect.forEach(given, (one) =>
    Effect.map(
      named("publisher", one, "commands", commandNames),
      ([name, commands]): User => ({ name, role: "publisher", ...(commands && { commands }) })
    )
  )

export const followersOf = (given: ReadonlyArray<string>) =>
  Effect.forEach(given, (one) =>
    Effect.map(
      named("follower", one, "types of events", eventTypes),
      ([name, types]): User => ({ name, role: "follower", ...(types && { types }) })
    )
  )

/** Two with one name would be one user, with one seed. */
export const distinct = Effect.fnUntraced(function* (users: ReadonlyArray<User>) {
  const twice = users.find(({ name }, index) => users.findIndex((other) => other.name === name) < index)
  if (twice)
    return yield* new Refused({
      message: `${twice.name} is named twice: each publisher and follower has a name of its own`
    })
  return users
})
