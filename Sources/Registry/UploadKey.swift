// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI

/// What an upload is found by: the same id in two repositories names two uploads.
struct UploadKey: Sendable, Hashable {
  let repository: RepositoryName
  let id: UploadID
}
