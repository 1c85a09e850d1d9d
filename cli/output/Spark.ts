// Sparklines: how a figure went over time, in one line of blocks.

const blocks = "▁▂▃▄▅▆▇█"

/** As many blocks as figures; a gap where there is none. From nothing to the highest of them. */
export const spark = (figures: ReadonlyArray<number | undefined>): string => {
  const highest = Math.max(...figures.map((figure) => figure ?? 0))
  const blockOf = (figure: number) =>
    blocks[highest === 0 ? 0 : Math.min(blocks.length - 1, Math.floor((figure / highest) * blocks.length))] as string
  return figures.map((figure) => (figure === undefined ? " " : blockOf(figure))).join("")
}

/** Neighbours together, so that there are at most so many. */
export const atMost = <A>(
  width: number,
  all: ReadonlyArray<A>,
  together: (some: ReadonlyArray<A>) => A
): ReadonlyArray<A> => {
  const size = Math.ceil(all.length / width)
  if (size <= 1) return all
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    together(all.slice(index * size, (index + 1) * size))
  )
}
