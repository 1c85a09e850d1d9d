// HTML as Telegram's own tags, to formatted text. Never an error: a tag that it does not know is dropped, its text stays.
import { Parser } from "htmlparser2"
import type { Formatted, Style } from "./Formatted.ts"
import { Writer } from "./Writer.ts"

const styles: Readonly<Record<string, Style>> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler"
}

/** Telegram knows none of these; without a line break words would run together. */
const blocks = new Set([
  ...["p", "div", "ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "table", "tr"],
  ...["section", "article", "header", "footer", "main", "aside", "nav", "figure", "figcaption", "address", "form"]
])
const hidden = new Set(["script", "style"])

interface Open {
  readonly name: string
  readonly from: number
  readonly close: (more?: { readonly language: string }) => void
  /** Of a pre, as the code in it says. */
  language?: string
}

type Attributes = Readonly<Record<string, string>>

export const fromHtml = (html: string): Formatted => {
  const writer = new Writer()
  const open: Array<Open> = []
  let hiding = 0
  const parser = new Parser({
    onopentag: (name, attributes) => {
      if (hidden.has(name)) hiding++
      const outer = open.at(-1)
      const from = writer.text.length
      const inPre = name === "code" && outer?.name === "pre" && outer.from === from
      const language = /^language-(\S{1,64})$/.exec(attributes.class ?? "")?.[1]
      if (inPre && language) outer.language = language
      open.push({ name, from, close: inPre ? nothing : begin(writer, name, attributes) })
    },
    ontext: (text) => {
      if (hiding === 0) writer.write(text)
    },
    onclosetag: (name) => {
      if (hidden.has(name)) hiding--
      const closed = open.pop()
      closed?.close(closed.language === undefined ? undefined : { language: closed.language })
    }
  })
  parser.end(withoutHalfTags(html))
  return writer.done
}

const nothing = () => {}

/** A tag that never ends is none: a forgotten < must not swallow what follows. */
const withoutHalfTags = (html: string): string => {
  const end = html.lastIndexOf(">") + 1
  return html.slice(0, end) + html.slice(end).replaceAll("<", "&lt;")
}

/** Gives what is to be done when the tag ends. */
const begin = (writer: Writer, name: string, attributes: Attributes): Open["close"] => {
  const style = name === "span" && attributes.class === "tg-spoiler" ? "spoiler" : styles[name]
  if (style) return writer.begin({ type: style })
  if (blocks.has(name)) {
    writer.breakLine()
    if (name === "li") writer.write("• ")
    return () => writer.breakLine()
  }
  switch (name) {
    case "a":
      return attributes.href === undefined ? nothing : writer.beginLink(attributes.href)
    case "blockquote":
      return writer.begin({ type: attributes.expandable === undefined ? "blockquote" : "expandable_blockquote" })
    case "code":
    case "pre":
      return writer.begin({ type: name })
    case "br":
      writer.write("\n")
      return nothing
    default:
      return nothing
  }
}
