// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPService
import GantryHTTPWire
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
  /// Nil when everybody may do everything.
  let access: AccessControl?
  /// For manifests on their way in.
  let manifestBudget: ByteBudget
  /// For long answers on their way out.
  let answerBudget: AnswerBudget
  /// The fields of every response, rendered once.
  let commonFields: Fields

  init(
    service: RegistryService, loop: any LoopExecutor, settings: APISettings, access: AccessControl?, logger: Logger
  ) {
    self.service = service
    self.loop = loop
    self.settings = settings
    self.access = access
    self.logger = logger
    cache = service.cache(on: loop)
    manifestBudget = ByteBudget(bytesMax: settings.manifestBytesInFlightMax)
    answerBudget = AnswerBudget(bytesMax: settings.answerBytesInFlightMax)
    var fields = Fields()
    fields.append("Docker-Distribution-Api-Version", "registry/2.0")
    for header in settings.headers {
      for value in header.values {
        do { try fields.append(name: header.name, value) } catch {
          preconditionFailure("the name of a configured header is a token: \(header.name)")
        }
      }
    }
    commonFields = fields
  }

  /// Builds the URLs of the answers to a request.
  func locations(for request: borrowing Request) -> LocationBuilder {
    LocationBuilder(settings: settings, head: request.head, isSecure: request.isSecure)
  }
}
