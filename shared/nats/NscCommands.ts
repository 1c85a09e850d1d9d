// The same accounts and users as ServerUsers.ts prints, as commands for nsc, where a server is in operator mode.
import { accountOf, accountsOf, hasManyAnswers, home } from "./Accounts.ts"
import { permissionsOf, type SenderName, type User } from "./Permissions.ts"

const head = `# For nsc, under the operator that is chosen there: an account of the services (${home}), one for each kind of those outside,
# what these ask of it, and the users. What is exported is open to every account of this operator: let it have no others.
# Not tried with a real nsc. Then: nsc push --all`

const unlimited = ["mem-storage", "disk-storage", "streams", "consumer"].map((what) => `--js-${what}=-1`).join(" ")

const lent = (account: string, subject: string) => {
  const answers = hasManyAnswers(subject) ? " --response-type Stream" : ""
  return [
    `nsc add export --account ${home} --service --name '${subject}' --subject '${subject}'${answers}`,
    `nsc add import --account ${account} --service --name '${subject}' --src-account ${home} --remote-subject '${subject}' --local-subject '${subject}'`
  ].join("\n")
}

const quoted = (flag: string, subjects: ReadonlyArray<string>) =>
  subjects.length > 0 ? [`  ${flag} '${subjects.join(",")}'`] : []

const added = (user: User, senders: ReadonlyArray<SenderName>) => {
  const { never, publish, subscribe } = permissionsOf(user, senders)
  return [
    `nsc add user --account ${accountOf(user)} --name ${user.name}`,
    ...quoted("--allow-pub", publish),
    ...quoted("--deny-pub", never),
    ...quoted("--allow-sub", subscribe)
  ].join(" \\\n")
}

export const nscCommands = (users: ReadonlyArray<User>, senders: ReadonlyArray<SenderName>) => {
  const accounts = accountsOf(users)
  return [
    head,
    accounts.map(({ name }) => `nsc add account --name ${name}`).join("\n"),
    `nsc edit account --name ${home} ${unlimited}`,
    ...accounts.flatMap(({ asks, name }) => asks.map((subject) => lent(name, subject))),
    ...users.map((user) => added(user, senders))
  ]
    .join("\n\n")
    .concat("\n")
}
