// Writes base/ anew, after the chart or values.yaml has changed. Needs helm, and fetches it where it can.
import { join } from "node:path"
import { write } from "../../docs/generate/Folders.ts"
import { base } from "./Base.ts"

write({ folder: join(import.meta.dirname, "base"), files: await base() })
