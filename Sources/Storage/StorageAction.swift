// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A kind of storage operation, in the words that Distribution's metrics have for its driver's.
public enum StorageAction: String, Sendable, CaseIterable {
  /// A manifest or a tag is read.
  case getContent = "GetContent"
  /// A manifest, a tag or a link is written.
  case putContent = "PutContent"
  /// It is looked whether something is there.
  case stat = "Stat"
  /// Names are listed.
  case list = "List"
  /// An upload is begun or taken up.
  case writer = "Writer"
  /// Something is taken away.
  case delete = "Delete"
}
