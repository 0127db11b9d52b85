// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension KeyTable {
  static let http: [KeyEntry] =
    [
      KeyEntry("http", .section),
      KeyEntry(
        "http.addr", .text, fallback: "127.0.0.1:5000",
        "Where to listen: `host:port`, `:port` for every interface, `[::1]:port`; with `net: unix`, a path."),
      KeyEntry("http.net", .text, fallback: "tcp", "`tcp`, or `unix` for a unix socket."),
      KeyEntry("http.prefix", .text, fallback: "/", "The path before `v2/`, with a slash at both ends."),
      KeyEntry(
        "http.host", .text, fallback: "none",
        "The URL under which clients reach the registry; wins over every forwarded header."),
      KeyEntry(
        "http.secret", .text, fallback: "made once, kept with the storage", isSecret: true,
        "Key that signs the state of uploads. Set it when Distribution serves the same directory in turn."),
      KeyEntry(
        "http.relativeurls", .bool, fallback: "false", "Location and Link headers hold paths, not absolute URLs."),
      KeyEntry(
        "http.draintimeout", .duration, fallback: "30s",
        "How long a stopping registry lets requests finish; an explicit 0 waits for none."),
      KeyEntry("http.headers", .table),
      KeyEntry("http.headers.*", .texts, fallback: "none", "A header added to every response, with its values."),
      KeyEntry("http.loops", .integer, .served, .gantry, fallback: "0", "Event loops; 0 means one per core."),
      KeyEntry(
        "http.workers", .integer, .served, .gantry, fallback: "0",
        "Threads for disk work and hashing; 0 means `maxthreads`, but at most 32."),
      KeyEntry("http.http2", .section),
      KeyEntry("http.http2.disabled", .bool, fallback: "false", "Over TLS, offer HTTP/1.1 only."),
      KeyEntry("http.h2c", .section, .served, .v3),
      KeyEntry(
        "http.h2c.enabled", .bool, .served, .v3, fallback: "false",
        "Without TLS, serve clients that begin in HTTP/2 (prior knowledge)."),
      KeyEntry("http.limits", .section, .served, .gantry),
    ] + limits

  /// The limits; the reasons are in docs/CONFIGURATION.md.
  private static let limits: [KeyEntry] = [
    limit(
      "connections", .integer, "16384",
      "Open client connections, shared evenly by the loops; further ones are refused at once."),
    limit("headbytes", .bytes, "32768", "Bytes of a whole request head."),
    limit("linebytes", .bytes, "24576", "Bytes of the request line and of each header line."),
    limit("headers", .integer, "100", "Header lines of a request."),
    limit("headtimeout", .duration, "20s", "From the first byte of a request head to its last."),
    limit("idletimeout", .duration, "2m0s", "How long a kept-alive connection may wait for its next request."),
    limit("bodytimeout", .duration, "2m0s", "How long a request body may stand still."),
    limit("writetimeout", .duration, "2m0s", "How long a response may stand still because nobody reads it."),
    limit("discardbytes", .bytes, "262144", "Rest of an unread request body that is taken to keep the connection."),
    limit("lingertimeout", .duration, "2s", "How long a closing connection waits for its last response to be read."),
    limit("streams", .integer, "100", "Requests at once on one HTTP/2 connection."),
    limit("manifestbytes", .bytes, "4194304", "Bytes of a pushed manifest; more gets 413."),
  ]

  private static func limit(_ name: String, _ kind: KeyEntry.Kind, _ fallback: String, _ summary: String) -> KeyEntry {
    KeyEntry("http.limits.\(name)", kind, .served, .gantry, fallback: fallback, summary)
  }

  static let http2AndTLS: [KeyEntry] =
    [
      KeyEntry("http.debug", .section),
      KeyEntry(
        "http.debug.addr", .text, fallback: "none",
        "Where the operator's listener is: health, readiness and metrics. Not for the world: it asks nobody who they are."
      ),
      KeyEntry("http.debug.prometheus", .section),
      KeyEntry(
        "http.debug.prometheus.enabled", .bool, fallback: "false", "Metrics for Prometheus on the operator's listener."),
      KeyEntry("http.debug.prometheus.path", .text, fallback: "/metrics", "Where the metrics are."),
    ]
    + tls

  private static let tls: [KeyEntry] =
    [
      KeyEntry("http.tls", .section),
      KeyEntry(
        "http.tls.certificate", .text, fallback: "none",
        "PEM file: the certificate, then those of the authorities between. With it, only TLS is served."),
      KeyEntry("http.tls.key", .text, fallback: "none", "PEM file: the certificate's private key, not encrypted."),
      KeyEntry("http.tls.certificates", .list, .served, .gantry),
      KeyEntry("http.tls.certificates[]", .section, .served, .gantry),
      KeyEntry(
        "http.tls.certificates[].certificate", .text, .served, .gantry, fallback: "required",
        "A further certificate, for clients that ask for a host in it (SNI)."),
      KeyEntry("http.tls.certificates[].key", .text, .served, .gantry, fallback: "required", "Its private key."),
      KeyEntry(
        "http.tls.clientcas", .texts, fallback: "none",
        "PEM files of authorities; clients must show a certificate of one of them, unless `clientauth` says else."),
      KeyEntry(
        "http.tls.clientauth", .text, .served, .v3, fallback: "`require-and-verify-client-cert` with `clientcas`",
        "`request-client-cert`, `require-any-client-cert`, `verify-client-cert-if-given` or "
          + "`require-and-verify-client-cert`."),
      KeyEntry(
        "http.tls.clientcrls", .texts, .served, .gantry, fallback: "none",
        "PEM files of revocation lists; with any, the list of a client's authority must be there and in date."),
      KeyEntry(
        "http.tls.minimumtls", .text, fallback: "tls1.2", "`tls1.2` or `tls1.3`; older ones are read as `tls1.2`."),
      KeyEntry(
        "http.tls.ciphersuites", .texts, fallback: "ECDHE with AES-GCM or ChaCha20",
        "Suites of TLS 1.2 by their names in IANA's registry; those of TLS 1.3 cannot be chosen."),
      KeyEntry("http.tls.letsencrypt", .section, letsencrypt),
      KeyEntry("http.tls.letsencrypt.hosts", .texts, letsencrypt),
      KeyEntry("http.tls.letsencrypt.directoryurl", .text, letsencrypt, .v3),
    ] + keys(under: "http.tls.letsencrypt", letsencrypt, named: [.text: "cachefile email"])

  private static let letsencrypt = KeyEntry.Status.refused(
    "certificates are not fetched from Let's Encrypt yet: have an ACME client such as certbot or lego keep them in "
      + "files, and name those as http.tls.certificate and http.tls.key; they are read again when they change")
}
