// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import PackageDescription

// The rooms of the house, floor by floor. A target may import only what it lists here (the build checks it),
// and lists only floors below its own; docs/ARCHITECTURE.md draws the map. Folders carry the short names; targets
// carry the project's prefix, because target names must be unique over the whole graph of whoever embeds us.

/// Settings that every room is built with.
let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

/// Floor 1 touches C; there each such touch must read `unsafe`.
let overC: [SwiftSetting] = house + [.strictMemorySafety()]

func room(
  _ name: String, at folder: String? = nil, knows: [Target.Dependency] = [], settings: [SwiftSetting] = house
) -> Target {
  .target(
    name: "Gantry\(name)", dependencies: knows, path: "Sources/\(folder ?? name)", swiftSettings: settings)
}

func tests(_ name: String, knows: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: knows, path: "Tests/\(name)Tests", resources: resources,
    swiftSettings: house)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let inMemoryTracing: Target.Dependency = .product(
  name: "InMemoryTracing", package: "swift-distributed-tracing")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let cellar: [Target] = [
  .systemLibrary(name: "CGantryUV", path: "Sources/CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
  .systemLibrary(
    name: "CGantryOpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(name: "CGantryTLS", path: "Sources/CTLS", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(
    name: "CGantryYAML", path: "Sources/CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
  .systemLibrary(
    name: "CGantryCrypt", path: "Sources/CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
  .systemLibrary(
    name: "CGantryNGHTTP2", path: "Sources/CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
  room("World"),
  room("Patterns"),
]

let floor1: [Target] = [
  room("EventLoops", knows: ["CGantryUV", "GantryWorld"], settings: overC),
  room("Cryptography", knows: ["CGantryOpenSSL"], settings: overC),
  room("PasswordHash", knows: ["CGantryCrypt"], settings: overC),
  room("TLS", knows: ["CGantryTLS", "GantryWorld"], settings: overC),
  room("YAML", knows: ["CGantryYAML"], settings: overC),
]

let floor2: [Target] = [
  room("OCI"),
  room("HTTPWire"),
  room("HTTP2", knows: ["CGantryNGHTTP2", "GantryHTTPWire"], settings: overC),
  room("Configuration", knows: ["GantryYAML", "GantryPatterns"]),
  room("Limiting", knows: ["GantryWorld", "GantryPatterns"]),
]

let floor3: [Target] = [
  room("Storage", knows: ["GantryOCI", "GantryWorld"]),
  room("HTTPService", knows: ["GantryHTTPWire", "GantryWorld"]),
]

let floor4: [Target] = [
  room(
    "Access",
    knows: [
      "GantryOCI", "GantryCryptography", "GantryPasswordHash", "GantryPatterns", "GantryWorld", "GantryLimiting",
    ]),
  room("Registry", knows: ["GantryStorage", "GantryOCI", "GantryCryptography", "GantryWorld", "GantryPatterns"]),
  room("MemoryStorage", knows: ["GantryStorage", "GantryOCI", "GantryCryptography", "GantryWorld"]),
  room("FilesystemStorage", knows: ["GantryStorage", "GantryOCI", "GantryCryptography", "GantryWorld"]),
]

let floor5: [Target] = [
  room(
    "RegistryAPI",
    knows: [
      "GantryRegistry", "GantryAccess", "GantryStorage", "GantryOCI", "GantryCryptography", "GantryHTTPService",
      "GantryHTTPWire", "GantryWorld", "GantryTelemetry", "GantryLimiting", "GantryPatterns", logging,
    ]),
  room("Monitoring", knows: ["GantryWorld", "GantryHTTPWire", "GantryHTTPService", "GantryTelemetry"]),
  room(
    "Server",
    knows: [
      "GantryWorld", "GantryTLS", "GantryHTTPWire", "GantryHTTP2", "GantryHTTPService", "GantryTelemetry",
      "GantryLimiting",
    ]),
]

let beside: [Target] = [
  room("Telemetry", knows: ["GantryWorld", logging]),
  // For embedders; the registry command links none of it.
  room("Tracing", knows: ["GantryTelemetry", tracing]),
]

let attic: [Target] = [
  .target(
    name: "Gantry",
    dependencies: [
      "GantryWorld", "GantryEventLoops", "GantryCryptography", "GantryOCI", "GantryConfiguration", "GantryStorage",
      "GantryHTTPWire", "GantryHTTP2", "GantryHTTPService", "GantryMemoryStorage", "GantryFilesystemStorage",
      "GantryRegistry", "GantryRegistryAPI", "GantryServer", "GantryMonitoring", "GantryTelemetry", "GantryPatterns",
      "GantryAccess", "GantryLimiting", "GantryTLS", logging,
    ],
    path: "Sources/Gantry", swiftSettings: house)
]

let roof: [Target] = [
  .executableTarget(
    name: "registry", dependencies: ["Gantry", "GantryConfiguration", argumentParser],
    path: "Sources/RegistryCommand", swiftSettings: house),
  .executableTarget(
    name: "embedded-registry", dependencies: ["Gantry"], path: "Examples/EmbeddedRegistry", swiftSettings: house),
]

let yard: [Target] = [
  .target(
    name: "GantryTestKit",
    dependencies: ["GantryWorld", "GantryOCI", "GantryStorage", "GantryCryptography", "CGantryTLS"],
    path: "Tests/TestKit", swiftSettings: house),
  .systemLibrary(
    name: "CGantryMint", path: "Tests/CMint", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  .target(
    name: "GantryTokenMint", dependencies: ["CGantryMint", "GantryCryptography"], path: "Tests/TokenMint",
    swiftSettings: house),
  .target(
    name: "GantryStorageConformance",
    dependencies: ["GantryStorage", "GantryOCI", "GantryWorld", "GantryCryptography"],
    path: "Tests/StorageConformance", swiftSettings: house),
  .target(
    name: "GantryHTTP2Peer", dependencies: ["CGantryNGHTTP2"], path: "Tests/HTTP2Peer", swiftSettings: house),
  .target(
    name: "GantryFuzzing",
    dependencies: ["GantryHTTPWire", "GantryHTTP2", "GantryHTTP2Peer", "GantryOCI", "GantryYAML"],
    path: "Tests/Fuzzing", swiftSettings: house),
  .executableTarget(name: "fuzz", dependencies: ["GantryFuzzing"], path: "Tests/Fuzz", swiftSettings: house),
  .target(
    name: "GantrySimulation",
    dependencies: [
      "GantryTestKit", "GantryServer", "GantryRegistryAPI", "GantryRegistry", "GantryHTTPService", "GantryHTTPWire",
      "GantryFilesystemStorage", "GantryStorage", "GantryOCI", "GantryCryptography", "GantryWorld", logging,
    ],
    path: "Tests/Simulation", swiftSettings: house),
  .executableTarget(
    name: "simulate", dependencies: ["GantrySimulation"], path: "Tests/Simulate", swiftSettings: house),
]

/// Load tests of any registry: no part of the product, on the same loops.
let loadTests: [Target] = [
  .systemLibrary(
    name: "CGantryLoadTLS", path: "LoadTests/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
  .target(
    name: "GantryLoadTesting",
    dependencies: [
      "GantryWorld", "GantryEventLoops", "GantryCryptography", "GantryHTTPWire", "GantryYAML", "CGantryLoadTLS",
    ],
    path: "LoadTests/LoadTesting", swiftSettings: house),
  .executableTarget(
    name: "registry-load", dependencies: ["GantryLoadTesting", "GantryEventLoops", argumentParser],
    path: "LoadTests/RegistryLoad", swiftSettings: house),
]

let proofs: [Target] = [
  tests("World", knows: ["GantryWorld"]),
  tests("Patterns", knows: ["GantryPatterns"]),
  tests("Limiting", knows: ["GantryLimiting", "GantryPatterns", "GantryWorld"]),
  tests("OCI", knows: ["GantryOCI"]),
  tests("HTTPWire", knows: ["GantryHTTPWire", "GantryFuzzing"]),
  tests("HTTP2", knows: ["GantryHTTP2", "GantryHTTP2Peer", "GantryHTTPWire", "GantryFuzzing"]),
  tests("YAML", knows: ["GantryYAML", "GantryFuzzing"]),
  tests("Configuration", knows: ["GantryConfiguration", "GantryYAML"]),
  tests("Cryptography", knows: ["GantryCryptography", "GantryTokenMint"]),
  tests("PasswordHash", knows: ["GantryPasswordHash"]),
  tests(
    "Access",
    knows: [
      "GantryAccess", "GantryPasswordHash", "GantryPatterns", "GantryOCI", "GantryWorld", "GantryTestKit",
      "GantryLimiting", "GantryTokenMint", "GantryCryptography",
    ]),
  tests("TLS", knows: ["GantryTLS", "GantryWorld", "GantryTestKit"]),
  tests("EventLoops", knows: ["GantryEventLoops", "GantryWorld"]),
  tests("Telemetry", knows: ["GantryTelemetry", "GantryWorld", logging]),
  tests(
    "Storage",
    knows: [
      "GantryStorageConformance", "GantryMemoryStorage", "GantryFilesystemStorage", "GantryStorage", "GantryOCI",
      "GantryCryptography", "GantryWorld", "GantryEventLoops", "GantryTestKit",
    ]),
  tests(
    "Registry",
    knows: [
      "GantryRegistry", "GantryFilesystemStorage", "GantryMemoryStorage", "GantryStorage", "GantryOCI", "GantryWorld",
      "GantryTestKit", "GantryCryptography", "GantryPatterns",
    ]),
  tests(
    "RegistryAPI",
    knows: [
      "GantryRegistryAPI", "GantryRegistry", "GantryMemoryStorage", "GantryStorage", "GantryOCI", "GantryHTTPService",
      "GantryHTTPWire", "GantryWorld", "GantryTestKit", "GantryCryptography", "GantryTelemetry", "GantryAccess",
      "GantryPasswordHash", "GantryPatterns", "GantryLimiting", "GantryTokenMint", logging,
    ]),
  tests(
    "Server",
    knows: [
      "GantryServer", "GantryHTTPService", "GantryHTTPWire", "GantryHTTP2", "GantryHTTP2Peer", "GantryWorld",
      "GantryEventLoops", "GantryTestKit", "GantryTelemetry", "GantryTLS", "GantryLimiting", "GantryPatterns",
    ]),
  tests(
    "Monitoring",
    knows: [
      "GantryMonitoring", "GantryHTTPService", "GantryHTTPWire", "GantryWorld", "GantryTelemetry", "GantryTestKit",
    ]),
  tests("Tracing", knows: ["GantryTracing", "GantryTelemetry", tracing, inMemoryTracing]),
  tests("TestKit", knows: ["GantryTestKit", "GantryWorld", "GantryOCI", "GantryCryptography"]),
  tests("Simulation", knows: ["GantrySimulation"]),
  tests(
    "LoadTesting",
    knows: [
      "GantryLoadTesting", "GantryEventLoops", "GantryWorld", "GantryCryptography", "Gantry", "GantryConfiguration",
      "CGantryLoadTLS", "registry-load",
    ]),
  tests(
    "Host",
    knows: [
      "Gantry", "GantryConfiguration", "GantryAccess", "GantryRegistry", "GantryOCI", "GantryTelemetry", "GantryWorld",
      "GantryEventLoops", "GantryTestKit", "GantryTLS", logging,
    ]),
  tests("Architecture", knows: []),
  tests(
    "Integration",
    knows: [
      "CGantryOpenSSL", "GantryHTTP2Peer", "GantryTestKit", "GantryFilesystemStorage", "GantryStorage", "GantryOCI",
      "GantryWorld", "GantryTokenMint", "GantryServer", "GantryHTTPService", "GantryHTTPWire", "GantryEventLoops",
    ]),
]

let package = Package(
  name: "gantry",
  products: [
    .executable(name: "registry", targets: ["registry"]),
    .library(name: "Gantry", targets: ["Gantry"]),
    .library(name: "GantryOCI", targets: ["GantryOCI"]),
    .library(name: "GantryStorage", targets: ["GantryStorage"]),
    .library(name: "GantryFilesystemStorage", targets: ["GantryFilesystemStorage"]),
    .library(name: "GantryMemoryStorage", targets: ["GantryMemoryStorage"]),
    .library(name: "GantryRegistry", targets: ["GantryRegistry"]),
    .library(name: "GantryRegistryAPI", targets: ["GantryRegistryAPI"]),
    .library(name: "GantryServer", targets: ["GantryServer"]),
    .library(name: "GantryTracing", targets: ["GantryTracing"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", exact: "1.7.3"),
  ],
  targets: cellar + floor1 + floor2 + floor3 + floor4 + floor5 + beside + attic + roof + yard + loadTests + proofs
)
