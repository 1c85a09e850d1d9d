// The users of Permissions.ts, in the accounts of Accounts.ts, as a block of a nats-server's configuration. No secret is in it:
// the server knows a user by a public key.
import { type Account, accountsOf, hasManyAnswers, home, lent } from "./Accounts.ts"
import { inboxPrefix } from "./Grants.ts"
import {
  type OtherSystem,
  type Permissions,
  permissionsOf,
  type Role,
  roles,
  roleWords,
  type SenderName,
  type User
} from "./Permissions.ts"

/** One of each role; publishers and followers are named by whoever runs this. */
export const serviceUsers: ReadonlyArray<User> = roles
  .filter((role): role is Exclude<Role, OtherSystem> => role !== "publisher" && role !== "follower")
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

const exported = (accounts: ReadonlyArray<Account>) =>
  [...lent(accounts)].map(([subject, names]) => {
    const answers = hasManyAnswers(subject) ? ", response_type: stream" : ""
    return `  { service: ${JSON.stringify(subject)}, accounts: [${names.join(", ")}]${answers} }`
  })

const imported = ({ asks }: Account) =>
  asks.map((subject) => `  { service: { account: ${home}, subject: ${JSON.stringify(subject)} } }`)

/**
 * To be included by a server's configuration. `keyOf`: the public key of a user; of those without one a variable stands there.
 * `storage`: what all streams together may have, such as 40G; as much as there is if left out.
 */
export const serverUsers = (
  users: ReadonlyArray<User>,
  senders: ReadonlyArray<SenderName>,
  keyOf: (name: string) => string | undefined = () => undefined,
  storage?: string
) => {
  const accounts = accountsOf(users)
  const body = (account: Account) =>
    account.name === home
      ? [
          storage === undefined ? "jetstream: enabled" : `jetstream { max_file: ${storage} }`,
          "exports: [",
          ...exported(accounts),
          "]"
        ]
      : ["imports: [", ...imported(account), "]"]
  const blocks = accounts.flatMap((account) => [
    `${account.name} {`,
    ...body(account),
    "users: [",
    ...account.users.map((user) =>
      block(user, permissionsOf(user, senders, users), keyOf(user.name) ?? `$${keyVariable(user.name)}`)
    ),
    "]",
    "}"
  ])
  return ["accounts {", ...blocks, "}", ""].join("\n")
}
