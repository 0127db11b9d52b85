// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// Which operations of a simulated disk fail, and how. Operations are counted from when the plan is installed.
public struct FaultPlan: Sendable {
  /// How far an operation gets before it fails.
  public enum Moment: Sendable, Hashable {
    /// Nothing was done.
    case before
    /// The first half of a write was done; of any other operation nothing.
    case halfway
    /// All was done, and yet the caller is told that it failed.
    case after
  }

  /// One rule.
  public struct Fault: Sendable {
    /// The kinds it hits; empty hits every kind.
    public var kinds: Set<FileOperation.Kind>
    /// Text that the path, or the target, has to contain; nil hits every path.
    public var pathContains: String?
    /// How many operations that match go through first.
    public var skip: Int
    /// How many that match fail after those.
    public var times: Int
    /// What the caller is told.
    public var reason: FileError.Reason
    /// How far the operation gets.
    public var moment: Moment

    /// Makes a rule.
    public init(
      _ reason: FileError.Reason, of kinds: Set<FileOperation.Kind> = [], pathContains: String? = nil, skip: Int = 0,
      times: Int = 1, moment: Moment = .before
    ) {
      self.reason = reason
      self.kinds = kinds
      self.pathContains = pathContains
      self.skip = skip
      self.times = times
      self.moment = moment
    }

    func matches(_ operation: FileOperation) -> Bool {
      guard kinds.isEmpty || kinds.contains(operation.kind) else { return false }
      guard let pathContains else { return true }
      return operation.path.contains(pathContains) || operation.target?.contains(pathContains) == true
    }
  }

  /// The rules; the first that hits decides.
  public var faults: [Fault]
  /// After this many operations every operation fails: the device, or the process, is gone.
  public var lifetime: Int?
  /// Besides the rules, one operation in so many fails at random.
  public var oneIn: Int?
  /// What a random failure tells.
  public var randomReasons: [FileError.Reason]
  private var generator: SplitMix64

  /// A plan of `faults` and, with `oneIn`, random failures that follow from `seed`.
  public init(
    _ faults: [Fault] = [], lifetime: Int? = nil, oneIn: Int? = nil,
    randomReasons: [FileError.Reason] = [.failed, .noSpace], seed: UInt64 = 0
  ) {
    self.faults = faults
    self.lifetime = lifetime
    self.oneIn = oneIn
    self.randomReasons = randomReasons
    generator = SplitMix64(seed: seed)
  }

  /// The plan in which exactly the `number`th operation of `kinds`, counted from 1, fails.
  public static func failing(
    _ number: Int, of kinds: Set<FileOperation.Kind> = [], with reason: FileError.Reason = .failed,
    moment: Moment = .before
  ) -> FaultPlan {
    FaultPlan([Fault(reason, of: kinds, skip: number - 1, moment: moment)])
  }

  /// The plan in which nothing works from the operation after `operations` on.
  public static func dying(after operations: Int) -> FaultPlan {
    FaultPlan(lifetime: operations)
  }

  /// Counts `operation` and says how it fails, if it does.
  mutating func verdict(on operation: FileOperation) -> (reason: FileError.Reason, moment: Moment)? {
    if let left = lifetime {
      if left == 0 { return (.failed, .before) }
      lifetime = left - 1
    }
    for index in faults.indices where faults[index].matches(operation) {
      if faults[index].skip > 0 {
        faults[index].skip -= 1
      } else if faults[index].times > 0 {
        faults[index].times -= 1
        return (faults[index].reason, faults[index].moment)
      }
    }
    if let oneIn, generator.oneIn(oneIn), let reason = randomReasons.randomElement(using: &generator) {
      let moments: [Moment] = [.before, .halfway, .after]
      return (reason, moments[generator.below(moments.count)])
    }
    return nil
  }
}

extension FileOperation.Kind {
  /// Which operations can meet a reason: EIO all of them; ENOSPC and EDQUOT what takes room, be it late; EMFILE and
  /// ENFILE what opens; EACCES and EROFS what goes by a path.
  public static func meeting(_ reason: FileError.Reason, _ moment: FaultPlan.Moment) -> Set<FileOperation.Kind> {
    // Only a write has a middle.
    if moment == .halfway { return [.write] }
    return switch reason {
    case .noSpace: [.create, .makeDirectory, .rename, .link, .write, .truncate, .sync, .syncDirectory]
    case .tooManyOpenFiles: [.open, .create, .entries, .syncDirectory]
    case .notPermitted:
      [
        .open, .create, .status, .makeDirectory, .rename, .link, .remove, .removeDirectory, .entries, .syncDirectory,
      ]
    default: Set(allCases)
    }
  }
}
