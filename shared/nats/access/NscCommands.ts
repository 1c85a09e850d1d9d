// The same accounts and users as ServerUsers.ts prints, as commands for nsc, where a server is in operator mode.
import { accountOf, accountsOf, hasManyAnswers, home, lent } from "./Accounts.ts"
import { permissionsOf, type SenderName, type User } from "./Permissions.ts"

const head = `# For nsc, under the operator that is chosen there: an account of the services (${home}), those of the ones outside,
# what these ask of it, and the users. What is exported is open to every account of this operator: let it have no others.
# Not tried with a real nsc. Then: nsc push --all`

const limits = (storage = "-1") =>
  `--js-disk-storage=${storage} ${["mem-storage", "streams", "consumer"].map((what) => `--js-${what}=-1`).join(" ")}`

const lending = (subject: string, accounts: ReadonlyArray<string>) => {
  const answers = hasManyAnswers(subject) ? " --response-type Stream" : ""
  return [
    `nsc add export --account ${home} --service --name '${subject}' --subject '${subject}'${answers}`,
    ...accounts.map(
      (account) =>
        `nsc add import --account ${account} --service --name '${subject}' --src-account ${home} --remote-subject '${subject}' --local-subject '${subject}'`
    )
  ].join("\n")
}

const quoted = (flag: string, subjects: ReadonlyArray<string>) =>
  subjects.length > 0 ? [`  ${flag} '${subjects.join(",")}'`] : []

const added = (user: User, senders: ReadonlyArray<SenderName>, users: ReadonlyArray<User>) => {
  const { never, publish, subscribe } = permissionsOf(user, senders, users)
  return [
    `nsc add user --account ${accountOf(user)} --name ${user.name}`,
    ...quoted("--allow-pub", publish),
    ...quoted("--deny-pub", never),
    ...quoted("--allow-sub", subscribe)
  ].join(" \\\n")
}

export const nscCommands = (users: ReadonlyArray<User>, senders: ReadonlyArray<SenderName>, storage?: string) => {
  const accounts = accountsOf(users)
  return [
    head,
    accounts.map(({ name }) => `nsc add account --name ${name}`).join("\n"),
    `nsc edit account --name ${home} ${limits(storage)}`,
    ...[...lent(accounts)].map(([subject, names]) => lending(subject, names)),
    ...users.map((user) => added(user, senders, users))
  ]
    .join("\n\n")
    .concat("\n")
}
