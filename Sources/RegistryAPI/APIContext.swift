// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPService
import GantryHTTPWire
import GantryLimiting
import GantryRegistry
import GantryWorld
import Logging

/// What every endpoint of one loop works with. Immutable.
final class APIContext: Sendable {
  let service: RegistryService
  let loop: any LoopExecutor
  let cache: LoopCache
  let settings: APISettings
  let logger: Logger
  /// What says who may do what.
  let accessSource: AccessSource
  /// Nil when no client is limited.
  let throttle: ClientThrottle?
  /// Who is on the other side of proxies.
  let clients: ClientAddresses
  /// What operators are told about proxies.
  let notices: ProxyNotices
  /// For manifests on their way in.
  let manifestBudget: ByteBudget
  /// For long answers on their way out.
  let answerBudget: AnswerBudget
  /// For files that answers are sent from.
  let fileBudget: FileBudget
  /// The fields of every response, rendered once.
  let commonFields: Fields
  /// Nil when each response says the same of origins.
  let origins: AllowedOrigins?

  init(
    service: RegistryService, loop: any LoopExecutor, settings: APISettings, access: AccessSource,
    limiter: RequestLimiter?, notices: ProxyNotices, logger: Logger
  ) {
    self.service = service
    self.loop = loop
    self.settings = settings
    accessSource = access
    self.notices = notices
    clients = ClientAddresses(trustedProxies: settings.trustedProxies, notices: notices, logger: logger)
    throttle = limiter.map { ClientThrottle($0, clock: loop.clock) }
    self.logger = logger
    cache = service.cache(on: loop)
    manifestBudget = ByteBudget(bytesMax: settings.manifestBytesInFlightMax)
    answerBudget = AnswerBudget(bytesMax: settings.answerBytesInFlightMax)
    fileBudget = FileBudget(filesMax: settings.answerFilesMax)
    var fields = Fields()
    fields.append("Docker-Distribution-Api-Version", "registry/2.0")
    origins = AllowedOrigins(settings.headers)
    for header in settings.headers where origins == nil || !AllowedOrigins.isField(header.name) {
      for value in header.values {
        do { try fields.append(name: header.name, value) } catch {
          preconditionFailure("the name of a configured header is a token: \(header.name)")
        }
      }
    }
    commonFields = fields
  }

  /// Nil when everybody may do everything.
  var access: AccessControl? { accessSource.control }

  /// Builds the URLs of the answers to a request.
  func locations(for request: borrowing Request) -> LocationBuilder {
    LocationBuilder(settings: settings, head: request.head, isSecure: request.isSecure)
  }
}
