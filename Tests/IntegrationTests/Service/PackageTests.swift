// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// What is handed out.
@Suite("Packages", .serialized)
struct PackageTests {
  @Test(
    "The tarball has what an operator needs, and is the same each time",
    .enabled(if: Command.find("strip") != nil, "binutils is not installed"))
  func dist() throws {
    let scratch = try Scratch()
    var sums: [String] = []
    for run in ["one", "two"] {
      var environment = Command.basicEnvironment
      environment["SOURCE_DATE_EPOCH"] = "1700000000"
      let made = try Command.run(
        [Repository.path("scripts/dist"), RegistryProcess.binary, "\(scratch.path)/\(run)"], environment: environment,
        in: scratch)
      #expect(made.code == 0, "\(made)")
      let name = try #require(Files.names(in: "\(scratch.path)/\(run)").first { $0.hasSuffix(".sha256") })
      sums.append(Files.text("\(scratch.path)/\(run)/\(name)"))
    }
    #expect(sums.count == 2 && sums[0] == sums[1] && sums[0].count > 64, "\(sums)")
    let tarball = try #require(Files.names(in: "\(scratch.path)/one").first { $0.hasSuffix(".tar.gz") })
    try Files.makeDirectory("\(scratch.path)/tree")
    let unpacked = try Command.run(
      ["tar", "-xzf", "\(scratch.path)/one/\(tarball)", "--strip-components=1", "-C", "\(scratch.path)/tree"],
      in: scratch)
    #expect(unpacked.code == 0, "\(unpacked)")
    for path in [
      "bin/registry", "etc/docker/registry/config.yml", "lib/systemd/system/registry.service",
      "lib/systemd/system/registry.socket", "share/doc/gantry/OPERATING.md", "share/doc/gantry/LICENSE",
      "share/doc/gantry/decisions/README.md",
      "share/gantry/examples/nginx.conf", "share/gantry/examples/haproxy.cfg",
    ] { #expect(Files.exists("\(scratch.path)/tree/\(path)"), "\(path) is missing") }
    let binary = "\(scratch.path)/tree/bin/registry"
    let checked = try Command.run(
      [binary, "check", "\(scratch.path)/tree/etc/docker/registry/config.yml"], in: scratch)
    #expect(checked.code == 0 && !checked.output.contains("error:"), "\(checked)")
  }

  @Test("The image has the paths and the command line of registry:2") func dockerfile() throws {
    let text = Files.text(Repository.path("Dockerfile"))
    for line in [
      "ENTRYPOINT [\"registry\"]", "CMD [\"serve\", \"/etc/docker/registry/config.yml\"]", "EXPOSE 5000",
      "VOLUME [\"/var/lib/registry\"]", "USER 5000:5000", "--static-swift-stdlib",
    ] { #expect(text.contains(line), "the Dockerfile lacks \(line)") }
    // Everything that is copied is there, and no stage is used before it is made.
    var stages: Set<String> = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words.first == "FROM", let name = words.last { stages.insert(name) }
      guard words.first == "COPY" else { continue }
      if let from = words.first(where: { $0.hasPrefix("--from=") }) {
        #expect(stages.contains(String(from.dropFirst(7))), "\(line)")
      } else {
        for source in words.dropFirst().dropLast() { #expect(Files.exists(Repository.path(source)), "\(line)") }
      }
    }
    // What the binary is linked with is installed.
    let scratch = try Scratch()
    let linked = try Command.run(["ldd", RegistryProcess.binary], in: scratch).output
    for (library, package) in [
      ("libuv", "libuv1"), ("libcrypto", "libssl3"), ("libyaml", "libyaml-0-2"), ("libcrypt.", "libcrypt1"),
      ("libnghttp2", "libnghttp2-14"), ("libcurl", "libcurl4"), ("libsqlite3", "libsqlite3-0"),
    ] where linked.contains(library) { #expect(text.contains(package), "the image lacks \(package)") }
  }
}
