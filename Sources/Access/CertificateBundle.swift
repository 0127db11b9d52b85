// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography

/// A file of certificates in PEM (RFC 7468). Other blocks, private keys among them, mean nothing here.
///
/// A class, so that a file that was read again is told from one that was not.
final class CertificateBundle: LineContent {
  /// Where chains must lead to; nil without a certificate.
  let anchors: TrustAnchors?
  /// The certificates' own keys, as far as they are of a kind that is supported.
  let keys: [SigningKey]
  let faults: [LineFault]

  init(parsing bytes: [UInt8]) {
    var certificates: [[UInt8]] = []
    var keys: [SigningKey] = []
    var faults: [LineFault] = []
    for block in Self.blocks(of: bytes) where block.label == "CERTIFICATE" {
      do throws(KeyError) {
        guard let content = block.content else { throw .malformedCertificate }
        // A key that is not supported leads nowhere, neither by itself nor at the root of a chain.
        keys.append(SigningKey(try TrustAnchors.key(ofCertificate: content)))
        certificates.append(content)
      } catch {
        faults.append(LineFault(line: block.line, reason: "\(error)"))
      }
    }
    self.keys = keys
    if certificates.isEmpty {
      anchors = nil
    } else {
      do { anchors = try TrustAnchors(certificates) } catch { preconditionFailure("each was read before: \(error)") }
    }
    self.faults = faults
  }

  private struct Block {
    var label: String
    /// Where it begins.
    var line: Int
    /// Nil when it is not base 64, or has no end.
    var content: [UInt8]?
  }

  private static func blocks(of bytes: [UInt8]) -> [Block] {
    var blocks: [Block] = []
    var open: (label: String, line: Int, text: String)?
    for (number, bytes) in bytes.entryLines {
      // What is no text is no base 64 either.
      let line = String(decoding: bytes, as: UTF8.self)
      if let label = label(of: line, "-----BEGIN ") {
        if let open { blocks.append(Block(label: open.label, line: open.line, content: nil)) }
        open = (label, number, "")
      } else if let label = label(of: line, "-----END ") {
        guard let block = open else { continue }
        open = nil
        let content = label == block.label ? Credentials.base64(block.text[...]) : nil
        blocks.append(Block(label: block.label, line: block.line, content: content))
      } else {
        open?.text += line
      }
    }
    if let open { blocks.append(Block(label: open.label, line: open.line, content: nil)) }
    return blocks
  }

  private static func label(of line: String, _ start: String) -> String? {
    guard line.hasPrefix(start), line.hasSuffix("-----"), line.utf8.count > start.utf8.count + 5 else { return nil }
    return String(line.dropFirst(start.utf8.count).dropLast(5))
  }
}
