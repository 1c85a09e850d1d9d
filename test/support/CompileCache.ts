// Where Node keeps what it has compiled, for processes that tests start by themselves: it halves what a start costs.
import { join } from "node:path"
import { home } from "../../deploy/local/Home.ts"

export const compileCache = { NODE_COMPILE_CACHE: join(home, "compile-cache") }
