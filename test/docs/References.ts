// What a page refers to that is not there: files, headings of pages, and paths that it names in passing.
import { existsSync, readdirSync } from "node:fs"
import { basename, dirname, join, normalize } from "node:path"
import { type Page, page, root } from "./Markdown.ts"

const exists = (path: string) => existsSync(join(root, path))

/** Links that lead nowhere; what is elsewhere on the net is not asked for. */
export const brokenLinks = (at: string, { anchors, links }: Page): ReadonlyArray<string> =>
  links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false
    const [path = "", anchor] = decodeURI(link).split("#")
    if (path === "") return !anchors.has(anchor ?? "")
    const target = normalize(join(dirname(at), path))
    if (target.startsWith("..") || !exists(target)) return true
    return anchor !== undefined && !(target.endsWith(".md") && page(target).anchors.has(anchor))
  })

const folders = "bench|chaos|cli|deploy|docs|examples|services|shared|test"
const aPath = new RegExp(`^(${folders})/[\\w./-]*[\\w/]$`)

/** Of a file the beginning of its name will do: `test/security/Denied`, `docs/decisions/006`. */
const isThere = (path: string) => {
  if (exists(path)) return true
  const folder = dirname(path)
  return exists(folder) && readdirSync(join(root, folder)).some((name) => name.startsWith(basename(path)))
}

/** Paths of the project in running text that name nothing. */
export const lostPaths = ({ spans }: Page): ReadonlyArray<string> =>
  spans.filter((span) => aPath.test(span) && !isThere(span))

/** The same for a word of a command. */
export const isLostPath = (word: string) => aPath.test(word.replace(/^\.\//, "")) && !exists(word)
