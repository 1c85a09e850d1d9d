// Ends a process that is told to stop while it still loads. Process 1 of a container has no default for signals: they
// would be lost, and the stop last until it is killed.
for (const [signal, number] of [["SIGTERM", 15] as const, ["SIGINT", 2] as const])
  process.on(signal, () => {
    // Whoever else listens by now ends in their own way.
    if (process.listenerCount(signal) === 1) process.exit(128 + number)
  })
