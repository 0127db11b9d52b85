// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Everything the registry can be told, resolved: every value is present, in range and in its own type.
///
/// The names and meanings are Distribution's (`docs/CONFIGURATION.md` is the reference); values that Distribution does
/// not have live under `access`, `http.limits`, `http.loops`, `http.workers` and `log.audit`. A plain value: embedders
/// may build one in code.
public struct Settings: Sendable, Equatable {
  /// What is logged, where and how.
  public var log: LogSettings
  /// The storage engine and what it is allowed to do.
  public var storage: StorageSettings
  /// The listener, the URLs we hand out, and every limit of the HTTP side.
  public var http: HTTPSettings
  /// Paging of `GET /v2/_catalog`.
  public var catalog: CatalogSettings
  /// Paging of `GET /v2/<name>/tags/list`.
  public var tags: TagsSettings
  /// What a pushed manifest is checked for.
  public var validation: ValidationSettings
  /// How callers prove who they are.
  public var auth: AuthSettings
  /// Who may do what.
  public var access: AccessSettings
  /// What is looked at to tell whether the registry is well.
  public var health: HealthSettings
  /// The `process` section.
  public var process = ProcessSettings()

  /// The safe built-in default: 127.0.0.1:5000, data under `./data`, deletion enabled.
  public init(
    log: LogSettings = LogSettings(), storage: StorageSettings = StorageSettings(),
    http: HTTPSettings = HTTPSettings(), catalog: CatalogSettings = CatalogSettings(),
    tags: TagsSettings = TagsSettings(), validation: ValidationSettings = ValidationSettings(),
    auth: AuthSettings = .none, access: AccessSettings = AccessSettings(),
    health: HealthSettings = HealthSettings()
  ) {
    self.log = log
    self.storage = storage
    self.http = http
    self.catalog = catalog
    self.tags = tags
    self.validation = validation
    self.auth = auth
    self.access = access
    self.health = health
  }
}
