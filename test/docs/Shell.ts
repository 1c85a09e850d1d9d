// Takes what is to be typed at a shell apart: into its commands, each with its variables and its words.
import { parse } from "shell-quote"
import type { Page } from "./Markdown.ts"

export interface Typed {
  readonly variables: ReadonlyArray<string>
  /** The program and what it is given. */
  readonly words: ReadonlyArray<string>
}

const keywords = new Set(["do", "done", "then", "fi", "if", "while", "!"])
const assignment = /^([A-Za-z_]\w*)=/
const redirection = /^[<>]/

/** Lines that go on are joined; what is fed to a command is left out. */
const lines = (text: string) =>
  text
    .replace(/\\\n\s*/g, " ")
    .replace(/<<-?'?(\w+)'?(.*)\n[\s\S]*?\n\1(?=\n|$)/g, "$2")
    .split("\n")

const command = (words: ReadonlyArray<string>): Typed => {
  let rest = words
  const variables: Array<string> = []
  for (;;) {
    const [first, ...others] = rest
    if (first === undefined) break
    const variable = assignment.exec(first)?.[1]
    if (variable !== undefined) variables.push(variable)
    else if (first === "export") return { variables: others.map((word) => word.split("=")[0] ?? ""), words: [] }
    else if (first === "sudo" || first === "runuser") {
      const user = others[0] === "-u" ? others.slice(2) : others
      rest = user[0] === "--" ? user.slice(1) : user
      continue
    } else if (first === "for") return { variables: [], words: [] }
    else if (!keywords.has(first)) break
    rest = others
  }
  return { variables, words: rest }
}

const commandsOf = (line: string): ReadonlyArray<Typed> => {
  const found: Array<Array<string>> = [[]]
  let target = false
  for (const entry of parse(line, (name) => `$${name}`)) {
    if (typeof entry === "string" || ("op" in entry && entry.op === "glob")) {
      const word = typeof entry === "string" ? entry : (entry as { readonly pattern: string }).pattern
      if (!target) found.at(-1)?.push(word)
      target = false
    } else if ("op" in entry) {
      target = redirection.test(entry.op)
      if (target && /^\d$/.test(found.at(-1)?.at(-1) ?? "")) found.at(-1)?.pop()
      if (!target) found.push([])
    }
  }
  return found.map(command).filter(({ variables, words }) => variables.length + words.length > 0)
}

export const typed = (text: string): ReadonlyArray<Typed> => lines(text).flatMap(commandsOf)

/** All that a page tells its reader to type, in its order. */
export const typedIn = ({ blocks }: Page): ReadonlyArray<Typed> =>
  blocks.filter(({ language }) => language === "sh").flatMap(({ text }) => typed(text))
