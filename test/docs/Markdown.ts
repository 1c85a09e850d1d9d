// Reads the project's Markdown: its links, the anchors that its headings have, and its blocks of code.
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import GithubSlugger from "github-slugger"
import { Marked, type Token } from "marked"

export const root = join(import.meta.dirname, "../..")

/** All that a reader may find, by its path in the project. */
export const pages: ReadonlyArray<string> = globSync("**/*.md", {
  cwd: root,
  exclude: (name) => ["node_modules", ".carillon", ".git"].includes(name)
}).toSorted()

export interface Block {
  /** What stands behind the opening fence; empty for none. */
  readonly language: string
  readonly text: string
}

export interface Page {
  readonly links: ReadonlyArray<string>
  readonly anchors: ReadonlySet<string>
  readonly blocks: ReadonlyArray<Block>
  /** Code within a line. */
  readonly spans: ReadonlyArray<string>
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" }
const plain = (text: string) =>
  text.replace(/[`*_]|\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/&(\w+|#39);/g, (all, name) => entities[name] ?? all)

export const readMarkdown = (text: string): Page => {
  const slugs = new GithubSlugger()
  const links: Array<string> = []
  const anchors = new Set<string>()
  const blocks: Array<Block> = []
  const spans: Array<string> = []
  const marked = new Marked()
  marked.walkTokens(marked.lexer(text), (token: Token) => {
    switch (token.type) {
      case "link":
      case "image":
        return void links.push(token.href)
      case "heading":
        return void anchors.add(slugs.slug(plain(token.text)))
      case "code":
        return void blocks.push({ language: token.lang ?? "", text: token.text })
      case "codespan":
        return void spans.push(token.text)
    }
  })
  return { links, anchors, blocks, spans }
}

/** Of a page what stands under one heading, up to the next that is no deeper. */
export const section = (path: string, heading: string): Page => {
  const tokens = new Marked().lexer(readFileSync(join(root, path), "utf8"))
  const at = tokens.findIndex((token) => token.type === "heading" && token.text === heading)
  const head = tokens[at]
  if (head?.type !== "heading") throw new Error(`${path} has no heading ${heading}`)
  const under = tokens.slice(at + 1)
  const end = under.findIndex((token) => token.type === "heading" && token.depth <= head.depth)
  return readMarkdown((end < 0 ? under : under.slice(0, end)).map(({ raw }) => raw).join(""))
}

const read = new Map<string, Page>()

/** By its path in the project. */
export const page = (path: string): Page => {
  const found = read.get(path) ?? readMarkdown(readFileSync(join(root, path), "utf8"))
  read.set(path, found)
  return found
}
