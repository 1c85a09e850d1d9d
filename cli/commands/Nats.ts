// carillon nats: the users that NATS is to know and what each may do; and the streams and consumers, made beforehand.
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { type CommandName, commandNames } from "#shared/contract/Commands.ts"
import { defaultSender, Platform, platforms, Sender } from "#shared/contract/Fields.ts"
import { publicKey } from "#shared/nats/KeyFiles.ts"
import { nscCommands } from "#shared/nats/NscCommands.ts"
import { roles, type SenderName, type User } from "#shared/nats/Permissions.ts"
import { provision } from "#shared/nats/Provision.ts"
import { serverUsers, serviceUsers } from "#shared/nats/ServerUsers.ts"
import { fixedConsumers, gatewayConsumers } from "#shared/nats/Topology.ts"
import { Refused } from "../Exit.ts"
import { telling } from "../Print.ts"
import { serversLayer } from "../Servers.ts"

const senderFlag = Flag.String("sender").pipe(
  Flag.withDescription("A sender of a gateway, telegram/north; repeatable. Those called default are always there"),
  Flag.atLeast(0)
)

const isPlatform = Schema.is(Platform)
const isSender = Schema.is(Sender)

const sendersOf = Effect.fnUntraced(function* (given: ReadonlyArray<string>) {
  const senders: Array<SenderName> = platforms.map((platform) => ({ platform, sender: defaultSender }))
  for (const one of given) {
    const [platform, sender, ...rest] = one.split("/")
    if (!isPlatform(platform) || !isSender(sender) || rest.length > 0)
      return yield* new Refused({ message: `--sender must be like telegram/north, one of ${platforms.join(", ")}` })
    senders.push({ platform, sender })
  }
  return senders
})

const publisherOf = Effect.fnUntraced(function* (given: string) {
  const [name = "", list] = given.split("=")
  if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name) || (roles as ReadonlyArray<string>).includes(name))
    return yield* new Refused({ message: "--publisher must have a name of its own, 1 to 32 of a-z 0-9 _ -" })
  if (list === undefined) return { name, role: "publisher" } satisfies User as User
  const commands = list.split(",").filter((one): one is CommandName => commandNames.includes(one as CommandName))
  if (commands.length !== list.split(",").length)
    return yield* new Refused({ message: `--publisher ${name}: commands are ${commandNames.join(", ")}` })
  return { name, role: "publisher", commands } satisfies User as User
})

const usersCommand = Command.make(
  "users",
  {
    publisher: Flag.String("publisher").pipe(
      Flag.withDescription(
        "A system that publishes: its name, or name=schedule,cancel to allow only these; repeatable"
      ),
      Flag.atLeast(0)
    ),
    sender: senderFlag,
    keys: Flag.String("keys").pipe(
      Flag.withDescription("A folder for the seeds, <user>.nk: those that are missing are made"),
      Flag.optional
    ),
    format: Flag.Literals("format", ["conf", "nsc"]).pipe(
      Flag.withDescription("conf: a block for nats-server's configuration; nsc: commands for operator mode"),
      Flag.withDefault("conf" as const)
    )
  },
  Effect.fnUntraced(function* ({ format, keys, publisher, sender }) {
    const senders = yield* sendersOf(sender)
    const users = [...serviceUsers, ...(yield* Effect.forEach(publisher, publisherOf))]
    if (format === "nsc") return yield* Console.log(nscCommands(users, senders))
    const found = yield* Option.match(keys, {
      onNone: () => Effect.succeed(new Map<string, string>()),
      onSome: (folder) =>
        Effect.try({
          try: () => new Map(users.map(({ name }) => [name, publicKey(folder, name)])),
          catch: () => new Refused({ message: `cannot keep seeds in ${folder}, or one that is there is none` })
        })
    })
    yield* Console.log(serverUsers(users, senders, (name) => found.get(name)))
  })
).pipe(
  Command.withDescription("Print the users of NATS with the least that each needs, for the server's configuration"),
  Command.withExamples([
    {
      command: "carillon nats users --keys /etc/carillon/keys --publisher clinic > users.conf",
      description: "To be included by nats-server.conf; the seed for each service is in the folder"
    }
  ])
)

const provisionCommand = Command.make(
  "provision",
  { sender: senderFlag },
  Effect.fnUntraced(function* ({ sender }) {
    const senders = yield* sendersOf(sender)
    const lanes = senders.flatMap((one) => gatewayConsumers(one.platform, one.sender))
    yield* provision([...fixedConsumers, ...lanes], "auto")
    yield* Console.log("streams and consumers are as they should be")
  })
).pipe(
  Command.withDescription("Make and repair streams and consumers, so that services need no right to"),
  Command.provide(serversLayer),
  Command.provide(telling)
)

export const natsCommand = Command.make("nats").pipe(
  Command.withDescription("Users and streams of NATS"),
  Command.withSubcommands([usersCommand, provisionCommand])
)
