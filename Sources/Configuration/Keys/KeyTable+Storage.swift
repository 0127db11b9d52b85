// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension KeyTable {
  static let storage: [KeyEntry] = [
    KeyEntry("storage", .table),
    KeyEntry("storage.filesystem", .table),
    KeyEntry(
      "storage.filesystem.rootdirectory", .text, fallback: "/var/lib/registry",
      "The directory that holds `docker/registry/v2`; a relative path is relative to the working directory."),
    KeyEntry(
      "storage.filesystem.maxthreads", .integerOrText, fallback: "100",
      "How many file operations may run at once, at least 25. At most 32 threads are made unless `http.workers` says so."
    ),
    KeyEntry(
      "storage.filesystem.durability", .text, .served, .gantry, fallback: "strict",
      "`strict`: what is acknowledged survives a power cut. `distribution`: as there, contents are synced, names are not."
    ),
    KeyEntry(
      "storage.filesystem.uploadsyncbytes", .bytes, .served, .gantry, fallback: "16777216",
      "An upload is synced at the latest after so many bytes, the most that a power cut takes of it; 0: at each chunk."
    ),
    KeyEntry(
      "storage.filesystem.checkpointinterval", .duration, .served, .gantry, fallback: "10s",
      "So long after the first write the journal is emptied, 10ms at least: shorter, a start after a crash has less to do."
    ),
    KeyEntry("storage.inmemory", .table, fallback: "", "Keep everything in memory; for tests."),
    KeyEntry("storage.delete", .table),
    KeyEntry(
      "storage.delete.enabled", .bool, fallback: "false", "Manifests, tags and blobs may be deleted through the API."),
    KeyEntry("storage.redirect", .table),
    KeyEntry(
      "storage.redirect.disable", .bool, fallback: "false",
      "Never redirect to the storage's own URLs. The engines served today never do."),
    KeyEntry("storage.tag", .table, tag, .v3),
    KeyEntry("storage.tag.concurrencylimit", .integer, tag, .v3),
    KeyEntry("storage.cache", .table),
    KeyEntry(
      "storage.cache.blobdescriptor", .text, fallback: "none",
      "`inmemory`: each loop remembers `blobdescriptorsize` manifests; `redis` warns and does the same. Not set: 4096."
    ),
    KeyEntry(
      "storage.cache.layerinfo", .text, fallback: "none", "Older name of `storage.cache.blobdescriptor`."),
    KeyEntry(
      "storage.cache.blobdescriptorsize", .integer, .served, .v3, fallback: "10000",
      "How many manifests each loop remembers, within 16 MiB; 0 means 1000000."),
    KeyEntry("storage.maintenance", .table),
    KeyEntry("storage.maintenance.uploadpurging", .table),
    KeyEntry(
      "storage.maintenance.uploadpurging.enabled", .bool, fallback: "true", "Remove uploads that nobody finished."),
    KeyEntry(
      "storage.maintenance.uploadpurging.age", .durationText, fallback: "168h0m0s",
      "An upload begun longer ago is removed. Required when the section is there and enabled."),
    KeyEntry(
      "storage.maintenance.uploadpurging.interval", .durationText, fallback: "24h0m0s",
      "The time between two runs. Required when the section is there and enabled."),
    KeyEntry(
      "storage.maintenance.uploadpurging.dryrun", .bool, fallback: "false",
      "Only log what would be removed. Required when the section is there and enabled."),
    KeyEntry("storage.maintenance.readonly", .table),
    KeyEntry(
      "storage.maintenance.readonly.enabled", .bool, fallback: "false", "Answer every write with 405."),
  ]

  /// The keys under `storage` that are not drivers.
  static let storageSections: Set<String> = ["delete", "redirect", "tag", "cache", "maintenance"]

  static let storageDrivers: [KeyEntry] = s3 + gcs + azure + swift + oss

  private static func driver(_ name: String) -> KeyEntry.Status {
    .refused("the \(name) storage driver is not served yet; data would go elsewhere than configured")
  }

  private static let s3: [KeyEntry] = ["s3", "s3aws"].flatMap { name -> [KeyEntry] in
    [
      KeyEntry("storage.\(name)", .table, driver("S3")),
      KeyEntry("storage.\(name).accesskey", .text, driver("S3"), isSecret: true),
      KeyEntry("storage.\(name).secretkey", .text, driver("S3"), isSecret: true),
    ]
      + keys(
        under: "storage.\(name)", driver("S3"),
        named: [
          .text: "region bucket regionendpoint keyid rootdirectory storageclass objectacl useragent",
          .bool: "encrypt secure skipverify v4auth",
          .integer: """
          chunksize multipartcopychunksize multipartcopymaxconcurrency multipartcopythresholdsize
          """,
        ])
      + keys(
        under: "storage.\(name)", driver("S3"), .v3,
        named: [.bool: "forcepathstyle accelerate usedualstack usefipsendpoint", .text: "redirectendpoint loglevel"])
  }

  private static let gcs: [KeyEntry] =
    [
      KeyEntry("storage.gcs", .table, driver("GCS")),
      KeyEntry("storage.gcs.credentials", .table, driver("GCS"), isSecret: true),
    ]
    + keys(
      under: "storage.gcs", driver("GCS"),
      named: [.text: "bucket keyfile rootdirectory useragent", .integer: "chunksize maxconcurrency"])
    + keys(
      under: "storage.gcs.credentials", driver("GCS"),
      named: [
        .text: """
        type project_id private_key_id private_key client_email client_id auth_uri token_uri \
        auth_provider_x509_cert_url client_x509_cert_url
        """
      ])

  private static let azure: [KeyEntry] =
    [
      KeyEntry("storage.azure", .table, driver("Azure")),
      KeyEntry("storage.azure.accountkey", .text, driver("Azure"), isSecret: true),
      KeyEntry("storage.azure.credentials", .table, driver("Azure"), .v3),
      KeyEntry("storage.azure.credentials.secret", .text, driver("Azure"), .v3, isSecret: true),
      KeyEntry("storage.azure.connectionstring", .text, driver("Azure"), isSecret: true),
    ]
    + keys(
      under: "storage.azure", driver("Azure"),
      named: [.text: "accountname container realm serviceurl", .bool: "skipverify", .integer: "max_retries"])
    + keys(under: "storage.azure", driver("Azure"), .v3, named: [.text: "rootdirectory", .duration: "retry_delay"])
    + keys(under: "storage.azure.credentials", driver("Azure"), .v3, named: [.text: "type clientid tenantid"])

  private static let swift: [KeyEntry] =
    [
      KeyEntry("storage.swift", .table, driver("OpenStack Swift"), .v2),
      KeyEntry("storage.swift.password", .text, driver("OpenStack Swift"), .v2, isSecret: true),
      KeyEntry("storage.swift.secretkey", .text, driver("OpenStack Swift"), .v2, isSecret: true),
      KeyEntry("storage.swift.accesskey", .text, driver("OpenStack Swift"), .v2, isSecret: true),
    ]
    + keys(
      under: "storage.swift", driver("OpenStack Swift"), .v2,
      named: [
        .text: """
        username authurl tenant tenantid domain domainid tenantdomain tenantdomainid trustid region container prefix \
        authversion endpointtype
        """,
        .bool: "insecureskipverify tempurlcontainerkey",
        .integer: "chunksize",
        .texts: "tempurlmethods",
      ])

  private static let oss: [KeyEntry] =
    [
      KeyEntry("storage.oss", .table, driver("Aliyun OSS"), .v2),
      KeyEntry("storage.oss.accesskeyid", .text, driver("Aliyun OSS"), .v2, isSecret: true),
      KeyEntry("storage.oss.accesskeysecret", .text, driver("Aliyun OSS"), .v2, isSecret: true),
    ]
    + keys(
      under: "storage.oss", driver("Aliyun OSS"), .v2,
      named: [
        .text: "region endpoint bucket rootdirectory encryptionkeyid",
        .bool: "internal encrypt secure",
        .integer: "chunksize",
      ])

  private static let tag = KeyEntry.Status.ignored("the tags of a repository are read in one pass on one worker")
}
