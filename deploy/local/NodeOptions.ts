// The options of Node that every way to start a service gives it; that all of them do is tested.

/**
 * New objects are kept in twice so many megabytes, where V8 would take up to twice 32. What is left over after a message
 * is little, so looking through it more often costs next to nothing. Read when Node starts: it cannot be said later.
 */
export const nodeOptions = ["--max-semi-space-size=8"] as const
