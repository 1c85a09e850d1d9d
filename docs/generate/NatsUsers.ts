// The users of NATS as an example of configuration, and the same as a table for people: what stands in deploy/nats.
import { join } from "node:path"
import { defaultSender, platforms } from "#shared/contract/fields/Fields.ts"
import { accountOf, home } from "#shared/nats/access/Accounts.ts"
import { permissionsOf, roleWords, type User } from "#shared/nats/access/Permissions.ts"
import { keyVariable, serverUsers, serviceUsers } from "#shared/nats/access/ServerUsers.ts"

export const natsFolder = join(import.meta.dirname, "../../deploy/nats")

const senders = platforms.map((platform) => ({ platform, sender: defaultSender }))
const users: ReadonlyArray<User> = [
  ...serviceUsers,
  { name: "clinic-events", role: "follower" },
  { name: "clinic", role: "publisher" }
]

const head = `# Users of NATS for Carillon: one of each service, one follower and one publisher, with the least that each needs. Generated
# from shared/nats/access/Permissions.ts by npm run docs: edit that, not this file. With keys, names and senders of your own:
#   carillon nats users --keys FOLDER --publisher NAME --follower NAME --sender PLATFORM/NAME
# Included by nats-server.conf like this one, each public key is taken from the server's environment:
# ${users.map(({ name }) => keyVariable(name)).join(", ")}

`

const code = (subjects: ReadonlyArray<string>) => subjects.map((subject) => `\`${subject}\``).join("<br>") || "nothing"

const rows = users.map((user) => {
  const { never, publish, subscribe } = permissionsOf(user, senders, users)
  return `## ${user.name}\n\nIn \`${accountOf(user)}\`: ${roleWords[user.role]}.\n\n| publishes | but never | hears |\n|---|---|---|\n| ${code(publish)} | ${code(never)} | ${code(subscribe)} |`
})

const page = `# Who may do what in NATS

Generated from \`shared/nats/access/Permissions.ts\` by \`npm run docs\`: edit that, not this folder. [users.conf](users.conf) is the same
for a server. What protects what, and how to use it: [docs/security.md](../../docs/security.md). \`clinic\` stands for any
publisher, \`clinic-events\` for any follower. Each other account has of \`${home}\` what its users publish, and nothing else. Subjects of \`$JS.API\` are questions to JetStream, those of \`$JS.ACK\` settle work.

${rows.join("\n\n")}
`

export const natsUsers = (): ReadonlyMap<string, string> =>
  new Map([
    ["users.conf", head + serverUsers(users, senders)],
    ["README.md", page]
  ])
