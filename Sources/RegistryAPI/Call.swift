// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPService
import GantryHTTPWire
import GantryOCI

/// A request that was matched to an endpoint, with the parts of its target parsed on demand. Not `Sendable`.
struct Call {
  let request: Request
  let match: PathMatcher.Match
  /// Who makes it, once the gate has let it in.
  var caller = Caller.anonymous
  /// Whether it began an upload that was not needed, because the blob was mounted. What was asked for does not tell: a
  /// blob that cannot be mounted is sent.
  var isMounted = false

  var head: RequestHead { request.head }

  /// The repository that the path names.
  func repository() throws(Refusal) -> RepositoryName {
    do { return try RepositoryName(parsing: match.name) } catch {
      throw Refusal(.nameInvalid, reason: error.description)
    }
  }

  /// The digest that the path ends in.
  func digest() throws(Refusal) -> Digest {
    try Self.digest(match.tail)
  }

  /// The upload that the path ends in.
  func uploadID() throws(Refusal) -> UploadID {
    do { return try UploadID(parsing: match.tail) } catch {
      throw Refusal(.blobUploadInvalid, status: .badRequest, reason: error.description)
    }
  }

  /// The reference that the path ends in. What is neither a tag nor a digest is refused (clause G4); nothing can be
  /// stored under a text that is no tag, so a reader is told that there is no such manifest.
  func reference() throws(Refusal) -> Reference {
    do { return try Reference(parsing: match.tail) } catch {
      switch error {
      case .digest(let error): throw Refusal(.digestInvalid, message: error.description)
      case .tag(let error):
        let isRead = head.method == .get || head.method == .head
        throw isRead
          ? Refusal(.manifestUnknown, reason: error.description) : Refusal(.tagInvalid, message: error.description)
      }
    }
  }

  /// The parameters of the query. The head's limit bounds their number already.
  func query() throws(Refusal) -> Query {
    guard let query = head.query else { return Query() }
    do { return try Query(parsing: query, pairsMax: 4096) } catch { throw Refusal(error) }
  }

  /// A digest that a client wrote.
  static func digest(_ text: String) throws(Refusal) -> Digest {
    do { return try Digest(parsing: text) } catch { throw Refusal(.digestInvalid, message: error.description) }
  }

  /// A condition on the entity tag.
  func condition(_ lowercasedName: StaticString) throws(Refusal) -> EntityTagCondition? {
    do { return try head.entityTagCondition(lowercasedName) } catch { throw Refusal(error) }
  }
}
