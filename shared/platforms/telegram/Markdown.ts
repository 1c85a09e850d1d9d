// A safe subset of Markdown (CommonMark as people write it) to formatted text. Never an error: what is no markup is text.
import { Lexer, type MarkedToken, type Token, Tokenizer, type Tokens } from "marked"
import type { Formatted } from "./Formatted.ts"
import { linkUrl } from "./Links.ts"
import { Writer } from "./Writer.ts"

const inWord = /[\p{N}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u

/** Standard Markdown reads "2*500 mg or 3*250 mg" as "2500 mg or 3250 mg": inside a word nothing is markup here. */
class Careful extends Tokenizer {
  override emStrong(source: string, masked: string, before = "") {
    return careful(source, before, /^\*+/, () => super.emStrong(source, masked, before)) as Tokens.Em | undefined
  }

  /** One ~ alone is "about", or "to". */
  override del(source: string, masked: string, before = "") {
    const single = /^~(?!~)/.test(source) ? "a" : before
    return careful(source, single, /^~+/, () => super.del(source, masked, before)) as Tokens.Del | undefined
  }
}

/** Signs that touch a word on their outer side are text. */
const careful = (source: string, before: string, signs: RegExp, read: () => Token | undefined): Token | undefined => {
  const [raw] = signs.exec(source) ?? []
  if (raw === undefined) return read()
  const found = inWord.test(before) ? undefined : read()
  if (!found && !inWord.test(before)) return undefined
  return found && !inWord.test(source.charAt(found.raw.length)) ? found : { type: "text", raw, text: raw }
}

export const fromMarkdown = (source: string): Formatted => {
  const writer = new Writer()
  try {
    blocks(writer, new Lexer({ gfm: true, tokenizer: new Careful() }).lex(source))
  } catch {
    // Nested deeper than the reader can go, which no person writes.
    return { text: source.trim(), entities: [] }
  }
  return writer.done
}

const blocks = (writer: Writer, tokens: ReadonlyArray<Token>, between = 2): void => {
  for (const token of tokens as ReadonlyArray<MarkedToken>) {
    // What is no address was meant to be read: "[Dr Example]: tomorrow".
    if (token.type === "space" || (token.type === "def" && linkUrl(token.href) !== undefined)) continue
    writer.breakLine(between)
    block(writer, token)
  }
}

const block = (writer: Writer, token: MarkedToken): void => {
  switch (token.type) {
    case "heading":
      writer.marked({ type: "bold" }, () => inline(writer, token.tokens))
      break
    case "paragraph":
      inline(writer, token.tokens)
      break
    case "text":
      inline(writer, token.tokens ?? [token])
      break
    case "code": {
      const language = /^\S{1,64}/.exec(token.lang ?? "")?.[0]
      writer.marked(language ? { type: "pre", language } : { type: "pre" }, () => writer.write(token.text))
      break
    }
    case "blockquote":
      writer.marked({ type: "blockquote" }, () => blocks(writer, token.tokens))
      break
    case "list":
      list(writer, token)
      break
    case "hr":
      writer.write("———")
      break
    // A table is readable as it was written, if its columns stand below each other.
    case "table":
      writer.marked({ type: "pre" }, () => writer.write(token.raw.trimEnd()))
      break
    default:
      writer.write(token.raw.trimEnd())
  }
}

const list = (writer: Writer, { items, loose }: Tokens.List, indent = ""): void => {
  for (const { checked, raw, task, tokens } of items) {
    writer.breakLine(loose ? 2 : 1)
    // Its own number, not the one that would be next.
    const number = /^\s*(\d+[.)])/.exec(raw)?.[1]
    const bullet = task ? (checked ? "☑" : "☐") : (number ?? "•")
    writer.write(`${indent}${bullet} `)
    const [first, ...rest] = (tokens as ReadonlyArray<MarkedToken>).filter(
      ({ type }) => type !== "space" && type !== "checkbox"
    )
    if (first?.type === "list") list(writer, first, `${indent}  `)
    else if (first) block(writer, first)
    for (const token of rest) {
      writer.breakLine(token.type !== "list" && loose ? 2 : 1)
      if (token.type === "list") list(writer, token, `${indent}  `)
      else block(writer, token)
    }
  }
}

const inline = (writer: Writer, tokens: ReadonlyArray<Token>): void => {
  for (const token of tokens as ReadonlyArray<MarkedToken>) {
    switch (token.type) {
      case "strong":
        writer.marked({ type: "bold" }, () => inline(writer, token.tokens))
        break
      case "em":
        writer.marked({ type: "italic" }, () => inline(writer, token.tokens))
        break
      case "del":
        writer.marked({ type: "strikethrough" }, () => inline(writer, token.tokens))
        break
      case "codespan":
        writer.marked({ type: "code" }, () => writer.write(token.text))
        break
      case "link":
        link(writer, token)
        break
      case "image":
        link(writer, { ...token, tokens: [] })
        break
      case "br":
        writer.write("\n")
        break
      case "escape":
        writer.write(token.text)
        break
      case "text":
        if (token.tokens) inline(writer, token.tokens)
        else writer.write(token.text)
        break
      default:
        writer.write(token.raw)
    }
  }
}

/** An address that stands in the text as itself is found by Telegram. */
const link = (
  writer: Writer,
  { href, raw, text, tokens }: Pick<Tokens.Link, "href" | "raw" | "text" | "tokens">
): void => {
  const bare = !/^!?\[/.test(raw)
  const end = bare ? () => {} : writer.beginLink(href)
  if (tokens.length > 0 && !bare) inline(writer, tokens)
  else writer.write(text)
  end()
}
