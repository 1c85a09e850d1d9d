// Which of a machine's package sources are the distribution's own, and what they become for a newer release.
import { assert, describe, it } from "@effect/vitest"
import { newerReleases, ownSources } from "../../deploy/local/DebianPackage.ts"

const bookworm = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n`
const noble = `VERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\nUBUNTU_CODENAME=noble\n`

const inForky = (text: string, osRelease = bookworm) => ownSources(text, osRelease).map(({ of }) => of("forky"))

describe("the distribution's own package source", () => {
  it("is taken as it stands, mirror, key and all, with the newer release in place of its own", () => {
    const stanza = `Types: deb deb-src
# a note
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg`
    assert.deepStrictEqual(inForky(`${stanza}\n\n${stanza.replaceAll("bookworm", "bookworm-security")}\n`), [
      `Types: deb
# a note
URIs: http://mirror.example/debian
Suites: forky
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg`
    ])
  })

  it("may be written on one line", () => {
    assert.deepStrictEqual(
      inForky(`# deb cdrom:[x] bookworm main
deb [arch=amd64 trusted=yes] http://mirror.example/bookworm bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main
`),
      ["deb [arch=amd64 trusted=yes] http://mirror.example/bookworm forky main contrib"]
    )
  })

  it("is not one that others offer for it, nor one that is switched off", () => {
    assert.deepStrictEqual(
      inForky(`deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc] https://download.example/debian bookworm stable
deb [signed-by=/usr/share/keyrings/docker-archive-keyring.gpg] https://download.example/debian bookworm stable
`),
      []
    )
    assert.deepStrictEqual(
      inForky(`Types: deb
URIs: https://download.example/debian
Suites: bookworm
Components: stable
Signed-By: /etc/apt/keyrings/docker.asc

Enabled: no
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
Components: main`),
      []
    )
  })

  it("is looked for in newer releases of the same distribution only", () => {
    assert.deepStrictEqual(newerReleases(bookworm), ["forky", "sid"])
    assert.deepStrictEqual(newerReleases(noble), ["resolute", "devel"])
    assert.deepStrictEqual(newerReleases("ID=fedora\n"), [])
    assert.lengthOf(inForky("deb http://archive.example/ubuntu noble main universe\n", noble), 1)
  })
})
