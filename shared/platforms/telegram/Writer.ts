// Puts formatted text together, piece by piece.
import type { Entity, Formatted } from "./Formatted.ts"
import { contactIn, linkUrl } from "./Links.ts"
import { tidy } from "./Tidy.ts"

export type Mark = Omit<Entity, "offset" | "length">

export class Writer {
  text = ""
  readonly #entities: Array<Entity> = []

  write(text: string): void {
    this.text += text
  }

  /** What is called before the text that is marked, gives what is called after it. */
  begin(mark: Mark): (more?: Partial<Mark>) => void {
    const offset = this.text.length
    return (more) => void this.#entities.push({ ...mark, ...more, offset, length: this.text.length - offset })
  }

  /** The same for a link. What cannot be one stays text; an address or number that it leads to is added to the text. */
  beginLink(address: string): () => void {
    const offset = this.text.length
    const url = linkUrl(address)
    if (url !== undefined) return this.begin({ type: "text_link", url })
    return () => {
      const contact = contactIn(address)
      if (contact !== undefined && !this.text.slice(offset).includes(contact)) this.write(` (${contact})`)
    }
  }

  marked(mark: Mark, write: () => void): void {
    const end = this.begin(mark)
    write()
    end()
  }

  /** So that what follows begins on a line of its own, after so many line breaks. */
  breakLine(breaks = 1): void {
    let standing = 0
    while (this.text.charAt(this.text.length - 1 - standing) === "\n") standing++
    if (this.text.length > standing) this.write("\n".repeat(Math.max(0, breaks - standing)))
  }

  /** Without blank lines before and blanks after: Telegram would take them away itself. An indent stays: code has one. */
  get done(): Formatted {
    const from = /^\s*\n/.exec(this.text)?.[0].length ?? 0
    const text = this.text.slice(from).trimEnd()
    return {
      text,
      entities: tidy(
        text,
        this.#entities.map((entity) => ({ ...entity, offset: entity.offset - from }))
      )
    }
  }
}
