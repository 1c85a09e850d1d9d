// carillon nats: the users that NATS is to know and what each may do; and the streams and consumers, made beforehand.
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { publicKey } from "#shared/nats/access/KeyFiles.ts"
import { nscCommands } from "#shared/nats/access/NscCommands.ts"
import { followed } from "#shared/nats/access/Permissions.ts"
import { serverUsers, serviceUsers } from "#shared/nats/access/ServerUsers.ts"
import { provision } from "#shared/nats/layout/Provision.ts"
import { retire } from "#shared/nats/layout/Retire.ts"
import { fixedConsumers, gatewayConsumers } from "#shared/nats/layout/Topology.ts"
import {
  distinct,
  followerFlag,
  followersOf,
  publisherFlag,
  publishersOf,
  senderFlag,
  senderOf,
  sendersOf
} from "../NatsUsers.ts"
import { Refused } from "../output/Exit.ts"
import { telling } from "../output/Print.ts"
import { serversLayer } from "../Servers.ts"

const usersCommand = Command.make(
  "users",
  {
    publisher: publisherFlag,
    follower: followerFlag,
    sender: senderFlag,
    keys: Flag.String("keys").pipe(
      Flag.withDescription("A folder for the seeds, <user>.nk: those that are missing are made"),
      Flag.optional
    ),
    storage: Flag.String("storage").pipe(
      Flag.withDescription(
        "What the streams may have on disk on all servers together, such as 40G: below the disks' size, so that an alert comes before they are full"
      ),
      Flag.optional
    ),
    format: Flag.Literals("format", ["conf", "nsc"]).pipe(
      Flag.withDescription("conf: a block for nats-server's configuration; nsc: commands for operator mode"),
      Flag.withDefault("conf" as const)
    )
  },
  Effect.fnUntraced(function* ({ follower, format, keys, publisher, sender, storage }) {
    const room = Option.getOrUndefined(storage)
    if (room !== undefined && !/^[1-9]\d*[MGT]$/.test(room))
      return yield* new Refused({ message: "--storage must be like 40G, with M, G or T" })
    const senders = yield* sendersOf(sender)
    const others = yield* distinct([...(yield* publishersOf(publisher)), ...(yield* followersOf(follower))])
    const users = [...serviceUsers, ...others]
    if (format === "nsc") return yield* Console.log(nscCommands(users, senders, room))
    const found = yield* Option.match(keys, {
      onNone: () => Effect.succeed(new Map<string, string>()),
      onSome: (folder) =>
        Effect.try({
          try: () => new Map(users.map(({ name }) => [name, publicKey(folder, name)])),
          catch: () => new Refused({ message: `cannot keep seeds in ${folder}, or one that is there is none` })
        })
    })
    yield* Console.log(serverUsers(users, senders, (name) => found.get(name), room))
  })
).pipe(
  Command.withDescription("Print the users of NATS with the least that each needs, for the server's configuration"),
  Command.withExamples([
    {
      command: "carillon nats users --keys /etc/carillon/keys --publisher clinic --storage 40G > users.conf",
      description: "To be included by nats-server.conf; the seed for each service is in the folder"
    }
  ])
)

const provisionCommand = Command.make(
  "provision",
  { follower: followerFlag, sender: senderFlag },
  Effect.fnUntraced(function* ({ follower, sender }) {
    const senders = yield* sendersOf(sender)
    const followers = yield* distinct(yield* followersOf(follower))
    const lanes = senders.flatMap((one) => gatewayConsumers(one.platform, one.sender))
    yield* provision([...fixedConsumers, ...lanes, ...followed(followers)], "auto")
    yield* Console.log("streams and consumers are as they should be")
  })
).pipe(
  Command.withDescription("Make and repair streams and consumers, so that services need no right to"),
  Command.provide(serversLayer),
  Command.provide(telling)
)

const retireCommand = Command.make(
  "retire",
  { sender: Argument.String("sender").pipe(Argument.withDescription("telegram/north")) },
  Effect.fnUntraced(function* ({ sender }) {
    yield* retire(yield* senderOf(sender)).pipe(
      Effect.catchTag("NotRetired", ({ message }) => Effect.fail(new Refused({ message })))
    )
    yield* Console.log(`${sender}: its queues and its orders are gone, and it is missed no more`)
  })
).pipe(
  Command.withDescription("Remove what a sender has left that is given up for good, so that no alert misses it"),
  Command.provide(serversLayer)
)

export const natsCommand = Command.make("nats").pipe(
  Command.withDescription("Users and streams of NATS"),
  Command.withSubcommands([usersCommand, provisionCommand, retireCommand])
)
