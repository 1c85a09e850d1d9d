// Writes base/ anew, after the chart or values.yaml has changed. Needs helm, and fetches it where it can.
import { join } from "node:path"
import { write } from "../../docs/generate/ReferenceFolder.ts"
import { base } from "./Base.ts"

write(await base(), join(import.meta.dirname, "base"))
