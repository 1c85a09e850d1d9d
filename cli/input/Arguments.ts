// What was typed, in the form that the parser of flags takes.

/** `--from -1d` and `--to -1001234`: what begins with a minus and a digit is a value, never a flag of ours. */
export const withNegativeValues = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const joined: Array<string> = []
  for (const [index, arg] of args.entries()) {
    const before = joined.at(-1)
    if (/^-\d/.test(arg) && before === args[index - 1] && /^--[a-z][a-z-]*$/.test(before ?? "")) {
      joined[joined.length - 1] = `${before}=${arg}`
    } else joined.push(arg)
  }
  return joined
}
