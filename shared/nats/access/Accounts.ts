// Which account of NATS a user is in, and what one account asks of another. Pure data, like Permissions.ts. A question names
// where its answer is to go, and the server, when it is the one who answers, asks nobody's permission: the acknowledgement of a
// command would be stored as a timer, an operator's order, a lease. In an account of its own there is nothing to hit.
import { permissionsOf, type User } from "./Permissions.ts"

/** Of the services, with all streams. */
export const home = "CARILLON"

/**
 * Those outside are apart from each other too: an answer to the one is no command of the other. Each follower is alone: what it
 * fetches would else be an acknowledgement of another's.
 */
export const accountOf = ({ name, role }: User) => {
  switch (role) {
    case "publisher":
      return "PUBLISHERS"
    case "reader":
      return "MONITORING"
    case "follower":
      return `FOLLOWER_${name}`
    default:
      return home
  }
}

export interface Account {
  readonly name: string
  readonly users: ReadonlyArray<User>
  /** The subjects of `home` that it has, under the same names: what its users may publish. */
  readonly asks: ReadonlyArray<string>
}

/**
 * An account that imports this is no longer told by the server, beside the answer that it asked for, that it has no JetStream of
 * its own; the first answer counts, and it was that one. Its user may not ask it.
 */
const shadowing = ({ role }: User) => (role === "follower" ? ["$JS.API.INFO"] : [])

/** `home` comes first. */
export const accountsOf = (users: ReadonlyArray<User>): ReadonlyArray<Account> =>
  [home, ...new Set(users.map(accountOf).filter((name) => name !== home))].map((name) => {
    const own = users.filter((user) => accountOf(user) === name)
    const asks = name === home ? [] : own.flatMap((user) => [...permissionsOf(user).publish, ...shadowing(user)])
    return { name, users: own, asks: [...new Set(asks)].sort() }
  })

/** What `home` lends: each subject once, with those who have it. */
export const lent = (accounts: ReadonlyArray<Account>): ReadonlyMap<string, ReadonlyArray<string>> =>
  new Map(
    accounts
      .flatMap(({ asks }) => asks)
      .map((subject) => [subject, accounts.filter(({ asks }) => asks.includes(subject)).map(({ name }) => name)])
  )

/** Every replica answers for itself, and many events come of one request for them; elsewhere the first answer is the only one. */
export const hasManyAnswers = (subject: string) => /^\$(SRV|JS\.API\.CONSUMER\.MSG\.NEXT)\./.test(subject)
