// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// The running kernel's identity, read once.
enum SystemBoot {
  /// Where the kernel does not tell its boot, each process counts as a boot of its own: then nothing that was not
  /// synced is trusted across a restart.
  static let identity = BootIdentity(node: node, boot: boot)

  private static var node: String {
    var name = utsname()
    guard unsafe uname(&name) == 0 else { return "" }
    return unsafe withUnsafeBytes(of: &name.nodename) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  private static var boot: String {
    do throws(FileError) {
      let bytes = try SystemFiles(syncs: nil).open("/proc/sys/kernel/random/boot_id", .read).read(64, at: 0)
      let text = bytes.prefix { $0 > UInt8(ascii: " ") }
      if !text.isEmpty { return String(decoding: text, as: UTF8.self) }
    } catch {
      // No such file system here; see above.
    }
    return SystemEntropy().bytes(16).map { String($0, radix: 16) }.joined(separator: "-")
  }
}
