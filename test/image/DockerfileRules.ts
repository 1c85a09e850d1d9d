// What the image must and must not be, held against the text of its Dockerfile and .dockerignore.
import dockerignore from "@balena/dockerignore"
import { DockerfileParser, From, type Instruction, JSONInstruction, PropertyInstruction } from "dockerfile-ast"
import { validate } from "dockerfile-utils"

const labels = ["title", "description", "licenses", "version", "revision", "source"]

const properties = (instructions: ReadonlyArray<Instruction>, keyword: string) =>
  instructions
    .filter((one) => one.getKeyword() === keyword)
    .flatMap((one) => (one instanceof PropertyInstruction ? one.getProperties() : []))
    .map((property) => ({ name: property.getName(), value: property.getValue() ?? "" }))

/** Nothing where all is well. */
export const complaints = (dockerfile: string): ReadonlyArray<string> => {
  const parsed = DockerfileParser.parse(dockerfile)
  const all = parsed.getInstructions()
  const last = all.findLastIndex((one) => one instanceof From)
  const final = all.slice(last)
  const named = (keyword: string, among = all) => among.filter((one) => one.getKeyword() === keyword)
  const said = (one: Instruction) => one.getArgumentsContent() ?? ""
  const found = validate(dockerfile).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)
  const demand = (holds: boolean, complaint: string) => holds || found.push(complaint)

  // Those before the first stage: within a stage they are only taken up.
  const before = all.slice(
    0,
    all.findIndex((one) => one instanceof From)
  )
  const defaults = new Map(properties(before, "ARG").map(({ name, value }) => [name, value]))
  const stages = all.flatMap((one) => (one instanceof From ? [one.getBuildStage()] : []))
  for (const one of all.filter((one) => one instanceof From)) {
    const image = (said(one).split(" ")[0] ?? "").replace(/\$\{(\w+)\}/g, (_, name) => defaults.get(name) ?? "")
    demand(stages.includes(image) || /:\d[\w.-]*(@|$)/.test(image), `${image} names no version`)
  }
  const [user] = named("USER", final).slice(-1)
  demand(/^[1-9]\d*:[1-9]\d*$/.test(user ? said(user) : ""), "the image's user is not a number other than root's")
  const labelled = new Map(properties(final, "LABEL").map(({ name, value }) => [name, value]))
  for (const label of labels)
    demand(!!labelled.get(`org.opencontainers.image.${label}`), `there is no label for its ${label}`)
  const [entrypoint] = named("ENTRYPOINT", final)
  const isList = entrypoint instanceof JSONInstruction && entrypoint.getJSONStrings().length > 0
  demand(isList, "a shell would stand between the entry point and its signals")

  const installs = named("RUN").filter((one) => /\bnpm (ci|i|install)\b/.test(said(one)))
  demand(
    installs.length > 0 && installs.every((one) => /\bnpm ci --omit=dev --ignore-scripts\b/.test(said(one))),
    "dependencies are not installed by npm ci --omit=dev --ignore-scripts"
  )
  demand(
    named("COPY").some((one) => /\bpackage-lock\.json\b/.test(said(one))),
    "package-lock.json is not copied"
  )
  demand(named("ADD").length === 0, "ADD fetches and unpacks: COPY does not")
  for (const { name, value } of [...properties(all, "ENV"), ...properties(all, "ARG")])
    demand(!/TOKEN|SECRET|PASSWORD|_KEY|NKEY|CREDENTIAL|_URL$/.test(name), `${name}=${value} stays in the image`)
  return found
}

/** Whether a path gets into the build. */
export const letsIn = (ignore: string, path: string): boolean => !dockerignore.default().add(ignore).ignores(path)
