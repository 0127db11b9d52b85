// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What `registry check` prints: the effective settings, or what is wrong.
public enum SettingsReport {
  /// What a secret reads as.
  public static let mask = "********"

  /// The effective settings as a configuration file, every served key written out; secrets are masked.
  public static func yaml(_ settings: Settings) -> String {
    var text = YAMLText()
    text.value("version", "0.1")
    write(settings.log, to: &text)
    write(settings.storage, to: &text)
    write(settings.http, to: &text)
    text.section("catalog") { $0.value("maxentries", settings.catalog.entriesMax) }
    text.section("tags") { $0.value("maxtags", settings.tags.tagsMax) }
    write(settings.validation, to: &text)
    write(settings.auth, to: &text)
    write(settings.access, to: &text)
    write(settings.health, to: &text)
    if let user = settings.process.user {
      text.section("process") { text in
        text.value("user", quoted: user)
        if let group = settings.process.group { text.value("group", quoted: group) }
      }
    }
    return text.text
  }

  /// One line for each diagnostic, `file:line:column: error: …`, and how many there are of each severity.
  public static func problems(_ diagnostics: [Diagnostic]) -> String {
    let errors = diagnostics.count { $0.severity == .error }
    let warnings = diagnostics.count - errors
    let lines = diagnostics.map { $0.description + "\n" }.joined()
    return lines + "\(counted(errors, "error")), \(counted(warnings, "warning"))\n"
  }

  private static func counted(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
  }

  private static func write(_ log: LogSettings, to text: inout YAMLText) {
    text.section("log") { text in
      text.value("level", log.level.rawValue)
      text.value("formatter", log.formatter.rawValue)
      if !log.fields.isEmpty {
        text.section("fields") { text in
          for field in log.fields { text.value(field.name, quoted: field.value) }
        }
      }
      text.section("accesslog") { $0.value("disabled", log.isAccessLogDisabled) }
      text.value("reportcaller", log.reportsCaller)
      if let file = log.auditFile { text.section("audit") { $0.value("file", quoted: file.text) } }
    }
  }

  private static func write(_ storage: StorageSettings, to text: inout YAMLText) {
    text.section("storage") { text in
      switch storage.engine {
      case .inMemory: text.value("inmemory", "{}")
      case .filesystem(let filesystem):
        text.section("filesystem") { text in
          text.value("rootdirectory", quoted: filesystem.rootDirectory)
          text.value("maxthreads", filesystem.threadsMax)
          text.value("durability", filesystem.durability.rawValue)
          text.value("uploadsyncbytes", filesystem.uploadSyncBytes)
          text.value("checkpointinterval", GoDuration.format(filesystem.checkpointInterval))
        }
      }
      text.section("delete") { $0.value("enabled", storage.isDeleteEnabled) }
      text.section("redirect") { $0.value("disable", storage.isRedirectDisabled) }
      switch storage.descriptorCache {
      case .none: text.section("cache") { $0.value("blobdescriptor", quoted: "") }
      case .inMemory(let entriesMax):
        text.section("cache") { text in
          text.value("blobdescriptor", "inmemory")
          text.value("blobdescriptorsize", entriesMax)
        }
      }
      text.section("maintenance") { text in
        text.section("uploadpurging") { text in
          text.value("enabled", storage.uploadPurging.isEnabled)
          text.value("age", GoDuration.format(storage.uploadPurging.age))
          text.value("interval", GoDuration.format(storage.uploadPurging.interval))
          text.value("dryrun", storage.uploadPurging.isDryRun)
        }
        text.section("readonly") { $0.value("enabled", storage.isReadOnly) }
      }
    }
  }

  private static func write(_ http: HTTPSettings, to text: inout YAMLText) {
    text.section("http") { text in
      if case .unix = http.address { text.value("net", "unix") } else { text.value("net", "tcp") }
      text.value("addr", quoted: http.address.description)
      text.value("prefix", quoted: http.prefix)
      text.value("host", quoted: http.host?.description ?? "")
      text.value("secret", quoted: http.secret == nil ? "" : mask)
      text.value("relativeurls", http.usesRelativeURLs)
      text.value("draintimeout", GoDuration.format(http.drainTimeout))
      text.value("draindelay", GoDuration.format(http.drainDelay))
      if !http.headers.isEmpty {
        text.section("headers") { text in
          for header in http.headers { text.list(header.name, header.values) }
        }
      }
      text.section("debug") { text in
        text.value("addr", quoted: http.debug.address?.description ?? "")
        text.section("prometheus") { text in
          text.value("enabled", http.debug.isPrometheusEnabled)
          text.value("path", quoted: http.debug.prometheusPath)
        }
      }
      text.section("http2") { text in text.value("disabled", !http.offersHTTP2) }
      text.section("h2c") { text in text.value("enabled", http.speaksHTTP2InClear) }
      text.value("loops", http.loops ?? 0)
      text.value("workers", http.workers ?? 0)
      if let tls = http.tls { write(tls, to: &text) }
      text.section("limits") { text in
        text.value("connections", http.limits.connectionsMax)
        text.value("headbytes", http.limits.headBytesMax)
        text.value("linebytes", http.limits.lineBytesMax)
        text.value("headers", http.limits.headersMax)
        text.value("headtimeout", GoDuration.format(http.limits.headTimeout))
        text.value("idletimeout", GoDuration.format(http.limits.idleTimeout))
        text.value("bodytimeout", GoDuration.format(http.limits.bodyTimeout))
        text.value("writetimeout", GoDuration.format(http.limits.writeTimeout))
        text.value("discardbytes", http.limits.discardBytesMax)
        text.value("lingertimeout", GoDuration.format(http.limits.lingerTimeout))
        text.value("streams", http.limits.streamsMax)
        text.value("manifestbytes", http.limits.manifestBytesMax)
      }
      write(http.clientLimits, to: &text)
    }
  }

  private static func write(_ tls: TLSFileSettings, to text: inout YAMLText) {
    text.section("tls") { text in
      text.value("certificate", quoted: tls.identity.certificate)
      text.value("key", quoted: tls.identity.key)
      if !tls.otherIdentities.isEmpty {
        text.sections("certificates", tls.otherIdentities) { text, identity in
          text.value("certificate", quoted: identity.certificate)
          text.value("key", quoted: identity.key)
        }
      }
      if let mode = tls.clientAuthentication { text.value("clientauth", mode.rawValue) }
      if !tls.clientAuthorities.isEmpty { text.list("clientcas", tls.clientAuthorities) }
      if !tls.clientRevocations.isEmpty { text.list("clientcrls", tls.clientRevocations) }
      text.value("minimumtls", quoted: tls.minimumVersion.rawValue)
      if !tls.cipherSuites.isEmpty { text.list("ciphersuites", tls.cipherSuites) }
    }
  }

  private static func write(_ validation: ValidationSettings, to text: inout YAMLText) {
    text.section("validation") { text in
      text.value("disabled", validation.isDisabled)
      text.section("manifests") { text in
        text.section("urls") { text in
          text.list("allow", validation.urlsAllow)
          text.list("deny", validation.urlsDeny)
        }
        text.section("indexes") { text in
          switch validation.indexPlatforms {
          case .all: text.value("platforms", "all")
          case .none: text.value("platforms", "none")
          case .list(let platforms):
            text.value("platforms", "list")
            text.sections("platformlist", platforms) { text, platform in
              text.value("architecture", quoted: platform.architecture)
              text.value("os", quoted: platform.os)
            }
          }
        }
      }
    }
  }

  private static func write(_ auth: AuthSettings, to text: inout YAMLText) {
    switch auth {
    case .none: text.value("auth", "none")
    case .silly(let realm, let service):
      text.section("auth") { text in
        text.section("silly") { text in
          text.value("realm", quoted: realm)
          text.value("service", quoted: service)
        }
      }
    case .htpasswd(let realm, let path):
      text.section("auth") { text in
        text.section("htpasswd") { text in
          text.value("realm", quoted: realm)
          text.value("path", quoted: path)
        }
      }
    case .token(let token):
      text.section("auth") { text in
        text.section("token") { text in
          text.value("realm", quoted: token.realm)
          text.value("service", quoted: token.service)
          text.value("issuer", quoted: token.issuer)
          if let path = token.rootCertBundle { text.value("rootcertbundle", quoted: path) }
          if let path = token.jwks { text.value("jwks", quoted: path) }
          text.value("autoredirect", token.autoRedirectPath == nil ? "false" : "true")
          if let path = token.autoRedirectPath { text.value("autoredirectpath", quoted: path) }
          text.value("signingalgorithms", "[\(token.signingAlgorithms.map(\.rawValue).joined(separator: ", "))]")
        }
      }
    }
  }

  private static func write(_ access: AccessSettings, to text: inout YAMLText) {
    guard access != AccessSettings() else { return }
    text.section("access") { text in
      if let file = access.groupFile { text.value("groupfile", quoted: file) }
      text.sections("rules", access.rules) { text, rule in
        switch rule {
        case .grant(let who, let actions, let repositories):
          text.list("who", who.map(\.description))
          text.list("actions", actions.map(\.rawValue))
          text.list("repositories", repositories)
        case .immutableTags(let tags, let repositories):
          text.list("immutabletags", tags)
          text.list("repositories", repositories)
        }
      }
    }
  }
}
