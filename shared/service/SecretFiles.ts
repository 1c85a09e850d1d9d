// Any setting may stand in a file instead, as orchestrators bring secrets: KEY_FILE names it, and its content is KEY.
import { readFileSync } from "node:fs"
import { ConfigProvider, Data, Effect, Layer } from "effect"

/** Told by its key and by what the system says: never with anything that is in the file. */
export class UnreadableFile extends Data.TaggedError("UnreadableFile")<{
  readonly setting: string
  readonly path: string
  readonly code: string
}> {
  override get message() {
    return `${this.setting} names ${this.path}, which cannot be used (${this.code}).`
  }
}

const largest = 65_536

/** Without the line break at its end, which editors and `echo` leave there. */
export const contentOf = (setting: string, path: string): string => {
  const unreadable = (code: string) => new UnreadableFile({ setting, path, code })
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (error) {
    throw unreadable((error as { readonly code?: string }).code ?? "unreadable")
  }
  if (text.length > largest) throw unreadable("larger than 64 KiB")
  const content = text.replace(/\r?\n$/, "")
  if (content === "") throw unreadable("empty")
  return content
}

/**
 * What `read` gives, asked anew each time; what it gave last where it fails, for somebody may just be about to write the
 * file. Only the first must succeed.
 */
export const renewing = (read: () => string): (() => string) => {
  let last = read()
  return () => {
    try {
      last = read()
    } catch {
      // As it was.
    }
    return last
  }
}

/** The file goes before the setting itself: who mounts one means it. */
const fromFiles = (settings: ConfigProvider.ConfigProvider) =>
  ConfigProvider.make(
    Effect.fnUntraced(function* (path) {
      const setting = path.length === 1 ? `${path[0]}_FILE` : undefined
      const named = setting === undefined ? undefined : yield* settings.load([setting])
      if (setting === undefined || !named?.value) return yield* settings.load(path)
      const { value: file } = named
      return yield* Effect.try({
        try: () => ConfigProvider.makeValue(contentOf(setting, file)),
        catch: (error) => new ConfigProvider.SourceError({ message: (error as UnreadableFile).message })
      })
    })
  )

export const secretFiles = Layer.effect(ConfigProvider.ConfigProvider)(
  Effect.map(ConfigProvider.ConfigProvider, fromFiles)
)
