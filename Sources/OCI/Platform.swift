// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The platform that an image in an index runs on (OCI image-spec, image index: `platform`).
public struct Platform: Sendable, Hashable {
  /// CPU architecture, as `GOARCH`.
  public let architecture: String
  /// Operating system, as `GOOS`.
  public let os: String
  /// Version of the operating system.
  public let osVersion: String?
  /// Features that the operating system must have.
  public let osFeatures: [String]
  /// Variant of the architecture, such as `v8`.
  public let variant: String?

  /// A platform with the given parts.
  public init(
    architecture: String, os: String, osVersion: String? = nil, osFeatures: [String] = [], variant: String? = nil
  ) {
    self.architecture = architecture
    self.os = os
    self.osVersion = osVersion
    self.osFeatures = osFeatures
    self.variant = variant
  }
}
