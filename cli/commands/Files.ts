// carillon files: what the object store keeps for messages.
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { FileSource } from "#shared/contract/Content.ts"
import { Files } from "#shared/nats/stores/Files.ts"
import { jsonFlag, optional } from "../input/Flags.ts"
import { keepFile, putFile } from "../input/LocalFiles.ts"
import { NotFound, Refused } from "../output/Exit.ts"
import { json as printJson, size, table } from "../output/Print.ts"

const isName = (name: string) => Schema.is(FileSource)({ object: name })

const put = Command.make(
  "put",
  {
    path: Argument.String("path").pipe(Argument.withDescription("A file here")),
    name: optional("name", "Its name in the store, 1 to 128 of A-Za-z0-9._-; made of its content if not given"),
    json: jsonFlag
  },
  Effect.fnUntraced(function* ({ path, name, json }) {
    if (Option.isSome(name) && !isName(name.value))
      return yield* new Refused({ message: "--name must be 1 to 128 of A-Z a-z 0-9 . _ -" })
    const stored = Option.isSome(name) ? (yield* putFile(name.value, path)).name : yield* keepFile(path)
    yield* json ? printJson({ object: stored }) : Console.log(stored)
  })
).pipe(
  Command.withDescription("Put a file into the store; messages name it as their file's object"),
  Command.withExamples([
    { command: "carillon files put leaflet.pdf --name leaflet-2026.pdf", description: "Replaces one of that name" }
  ])
)

const list = Command.make(
  "list",
  { json: jsonFlag },
  Effect.fnUntraced(function* ({ json }) {
    const { list } = yield* Files
    const found = [...(yield* list)].sort((a, b) => (a.name < b.name ? -1 : 1))
    if (json) return yield* Effect.forEach(found, printJson, { discard: true })
    if (found.length === 0) return yield* Console.log("none")
    yield* Console.log(
      table(
        ["name", "size", "stored"],
        found.map(({ name, size: bytes, storedAt }) => [name, size(bytes), storedAt])
      )
    )
  })
).pipe(Command.withDescription("List what is in the store"))

const remove = Command.make(
  "remove",
  { name: Argument.String("name").pipe(Argument.withDescription("Its name in the store")) },
  Effect.fnUntraced(function* ({ name }) {
    const { remove } = yield* Files
    if (!(yield* remove(name))) return yield* new NotFound({ message: `${name}: there is no such file` })
    yield* Console.log(`${name}: removed`)
  })
).pipe(Command.withDescription("Remove a file; messages that still name it will not be sent"))

export const filesCommand = Command.make("files").pipe(
  Command.withDescription("Files that messages carry, in the object store of NATS"),
  Command.withSubcommands([put, list, remove])
)
