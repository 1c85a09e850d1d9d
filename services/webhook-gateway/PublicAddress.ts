// Which addresses are of the public internet. The others (this machine, private networks, clouds' metadata) are not for
// publishers to choose. By the IANA registries of special-purpose addresses. Pure.
import { BlockList, isIP } from "node:net"

const special4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  // The host of a virtual machine at Azure: a public address that is no public service.
  ["168.63.129.16", 32]
] as const

const special6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20]
] as const

// Everything else of IPv6 is no unicast address of the internet. In a network without IPv4 a translator (NAT64) gives
// addresses that hold one of IPv4.
const internet6 = [
  ["2000::", 3],
  ["64:ff9b::", 96]
] as const

const listOf = (...subnets: ReadonlyArray<readonly [net: string, prefix: number, family: "ipv4" | "ipv6"]>) => {
  const list = new BlockList()
  for (const [net, prefix, family] of subnets) list.addSubnet(net, prefix, family)
  return list
}

const special = listOf(
  ...special4.map(([net, prefix]) => [net, prefix, "ipv4"] as const),
  ...special4.map(([net, prefix]) => [`64:ff9b::${net}`, 96 + prefix, "ipv6"] as const),
  ...special6.map(([net, prefix]) => [net, prefix, "ipv6"] as const)
)
const global6 = listOf(...internet6.map(([net, prefix]) => [net, prefix, "ipv6"] as const))

/** False for what is no address at all. */
export const isPublicAddress = (address: string): boolean => {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, "ipv4")
    case 6:
      return global6.check(address, "ipv6") && !special.check(address, "ipv6")
    default:
      return false
  }
}
