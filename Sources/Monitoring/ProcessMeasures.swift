// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryTelemetry
public import GantryWorld

/// What the kernel says of this process, under the names that every exporter of processes uses.
///
/// Read from `/proc`; where there is none, or a figure cannot be read, it is left out. Blocks: belongs in a script of a
/// worker.
public struct ProcessMeasures: Sendable, Hashable {
  /// Time on processors, in seconds.
  public var cpuSeconds: Double?
  /// When the process began, in seconds since 1970.
  public var startSeconds: Double?
  /// Bytes in memory.
  public var residentBytes: UInt64?
  /// Bytes of address space.
  public var virtualBytes: UInt64?
  /// Threads.
  public var threads: UInt64?
  /// Descriptors that are open.
  public var openDescriptors: UInt64?
  /// Descriptors that may be open.
  public var descriptorsMax: UInt64?

  /// The kernel's unit of time in `/proc`, which Linux keeps at a hundredth of a second on every architecture.
  private static let ticksPerSecond = 100.0

  /// Looks now.
  public init(_ files: any Files) {
    let status = Self.text("/proc/self/status", files)
    residentBytes = Self.kibibytes("VmRSS", in: status)
    virtualBytes = Self.kibibytes("VmSize", in: status)
    threads = Self.numbers("Threads", in: status).first
    // The name of the program stands in parentheses and may hold anything; the rest are numbers.
    let stat = Self.text("/proc/self/stat", files)
    let fields = stat.lastIndex(of: ")").map { stat[$0...].split(separator: " ").dropFirst().map { UInt64($0) } } ?? []
    if fields.count > 19, let user = fields[11], let system = fields[12] {
      cpuSeconds = Double(user + system) / Self.ticksPerSecond
      let boot = Self.numbers("btime", in: Self.text("/proc/stat", files), separator: " ").first
      if let boot, let started = fields[19] { startSeconds = Double(boot) + Double(started) / Self.ticksPerSecond }
    }
    // What cannot be listed is left out.
    openDescriptors = (try? files.entries("/proc/self/fd"))?.map { UInt64($0.count) }
    descriptorsMax = Self.numbers("Max open files", in: Self.text("/proc/self/limits", files), separator: " ").first
  }

  /// Writes what is known.
  public func write(to text: inout MetricsText) {
    let figures: [(String, MetricsText.Kind, String, Double?)] = [
      ("process_cpu_seconds_total", .counter, "Total user and system CPU time spent in seconds.", cpuSeconds),
      (
        "process_start_time_seconds", .gauge, "Start time of the process since unix epoch in seconds.", startSeconds
      ),
      ("process_resident_memory_bytes", .gauge, "Resident memory size in bytes.", residentBytes.map(Double.init)),
      ("process_virtual_memory_bytes", .gauge, "Virtual memory size in bytes.", virtualBytes.map(Double.init)),
      ("process_threads", .gauge, "Number of OS threads.", threads.map(Double.init)),
      ("process_open_fds", .gauge, "Number of open file descriptors.", openDescriptors.map(Double.init)),
      ("process_max_fds", .gauge, "Maximum number of open file descriptors.", descriptorsMax.map(Double.init)),
    ]
    for (name, kind, help, value) in figures {
      guard let value else { continue }
      text.family(name, kind, help)
      text.sample(value)
    }
  }

  private static func text(_ path: String, _ files: any Files) -> String {
    // What cannot be read is left out.
    guard let bytes = try? files.open(path, .read).read(64 << 10, at: 0) else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func kibibytes(_ name: String, in text: String) -> UInt64? {
    numbers(name, in: text).first.map { $0 * 1024 }
  }

  /// The numbers of the line that begins with the name.
  private static func numbers(_ name: String, in text: String, separator: String = ":") -> [UInt64] {
    for line in text.split(separator: "\n") where line.hasPrefix(name + separator) {
      return line.dropFirst(name.count + separator.count).split { $0 == " " || $0 == "\t" }.compactMap { UInt64($0) }
    }
    return []
  }
}
