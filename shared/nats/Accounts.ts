// Which account of NATS a user is in, and what one account asks of another. Pure data, like Permissions.ts. A question names
// where its answer is to go, and the server, when it is the one who answers, asks nobody's permission: the acknowledgement of a
// command would be stored as a timer, an operator's order, a lease. In an account of its own there is nothing to hit.
import { permissionsOf, type User } from "./Permissions.ts"

/** Of the services, with all streams. */
export const home = "CARILLON"

/** Publishers and monitoring are apart from each other too: an answer to the one is no command of the other. */
export const accountOf = ({ role }: User) =>
  role === "publisher" ? "PUBLISHERS" : role === "reader" ? "MONITORING" : home

export interface Account {
  readonly name: string
  readonly users: ReadonlyArray<User>
  /** The subjects of `home` that it has, under the same names: what its users may publish, and no more. */
  readonly asks: ReadonlyArray<string>
}

/** `home` comes first. */
export const accountsOf = (users: ReadonlyArray<User>): ReadonlyArray<Account> =>
  [home, ...new Set(users.map(accountOf).filter((name) => name !== home))].map((name) => {
    const own = users.filter((user) => accountOf(user) === name)
    const asks = name === home ? [] : own.flatMap((user) => permissionsOf(user).publish)
    return { name, users: own, asks: [...new Set(asks)].sort() }
  })

/** Every replica answers for itself; elsewhere the first answer is the only one. */
export const hasManyAnswers = (subject: string) => subject.startsWith("$SRV.")
