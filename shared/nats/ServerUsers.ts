// The users of Permissions.ts as a nats-server takes them: a block of its configuration, or commands for nsc where the
// server is in operator mode. No secret is in either: the server knows a user by a public key.
import { inboxPrefix } from "./Grants.ts"
import {
  type Permissions,
  permissionsOf,
  type Role,
  roles,
  roleWords,
  type SenderName,
  type User
} from "./Permissions.ts"

/** One of each role; the publishers are named by whoever runs this. */
export const serviceUsers: ReadonlyArray<User> = roles
  .filter((role): role is Exclude<Role, "publisher"> => role !== "publisher")
  .map((role) => ({ name: role, role }))

/** Where no key is given: nats-server takes it from its environment. */
export const keyVariable = (name: string) => `CARILLON_NKEY_${name.toUpperCase().replaceAll("-", "_")}`

const listed = (key: string, subjects: ReadonlyArray<string>) =>
  `${key}: [\n${subjects.map((subject) => `          ${JSON.stringify(subject)}`).join("\n")}\n        ]`

const list = (action: string, allow: ReadonlyArray<string>, deny: ReadonlyArray<string>) => {
  const rules = [
    ...(allow.length > 0 ? [listed("allow", allow)] : []),
    ...(deny.length > 0 ? [listed("deny", deny)] : [])
  ]
  return `      ${action}: {\n        ${rules.join("\n        ")}\n      }`
}

const block = ({ name, role }: User, { never, publish, subscribe }: Permissions, key: string) =>
  [
    `  # ${name}: ${roleWords[role]}.`,
    `  # NATS_NKEY names its seed, NATS_INBOX_PREFIX=${inboxPrefix(name)}`,
    "  {",
    `    nkey: ${key}`,
    "    permissions: {",
    list("publish", publish, never),
    list("subscribe", subscribe, []),
    "    }",
    "  }"
  ].join("\n")

/** To be included by a server's configuration. `keyOf`: the public key of a user; of those without one a variable stands there. */
export const serverUsers = (
  users: ReadonlyArray<User>,
  senders: ReadonlyArray<SenderName>,
  keyOf: (name: string) => string | undefined = () => undefined
) =>
  [
    "authorization {",
    "users: [",
    ...users.map((user) => block(user, permissionsOf(user, senders), keyOf(user.name) ?? `$${keyVariable(user.name)}`)),
    "]",
    "}",
    ""
  ].join("\n")

const quoted = (flag: string, subjects: ReadonlyArray<string>) =>
  subjects.length > 0 ? [`  ${flag} '${subjects.join(",")}'`] : []

/** For the account that is chosen in nsc. */
export const nscCommands = (users: ReadonlyArray<User>, senders: ReadonlyArray<SenderName>) =>
  users
    .map((user) => {
      const { never, publish, subscribe } = permissionsOf(user, senders)
      return [
        `nsc add user --name ${user.name}`,
        ...quoted("--allow-pub", publish),
        ...quoted("--deny-pub", never),
        ...quoted("--allow-sub", subscribe)
      ].join(" \\\n")
    })
    .join("\n\n")
    .concat("\n")
