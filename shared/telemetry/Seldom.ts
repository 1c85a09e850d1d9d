// Says at once what has happened, and what happens after it once a minute: for what strangers or the network can bring about.

const pauseMillis = 60_000

/** `what` is told again only after a pause, with how often it was not. */
export const seldom = (say: (line: string) => void) => {
  const last = new Map<string, { readonly at: number; untold: number }>()
  return (what: string, why: string) => {
    const told = last.get(what)
    if (told && Date.now() - told.at < pauseMillis) return void told.untold++
    const before = told?.untold ? `, and ${told.untold} times since it was last told` : ""
    last.set(what, { at: Date.now(), untold: 0 })
    say(`${what}: ${why}${before}`)
  }
}
