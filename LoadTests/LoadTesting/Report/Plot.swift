// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Plots as SVG, readable on light and dark pages, without any script.
public enum Plot {
  /// One line of a plot.
  public struct Series: Sendable {
    /// What the legend says.
    public var name: String
    /// Points, x ascending.
    public var points: [(x: Double, y: Double)]

    /// Makes a series.
    public init(name: String, points: [(x: Double, y: Double)]) { (self.name, self.points) = (name, points) }
  }

  private static let colours = ["#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2"]
  private static let (width, height) = (720.0, 320.0)
  private static let (left, right, top, bottom) = (78.0, 16.0, 34.0, 44.0)

  /// How an axis counts.
  public enum Scale: Sendable {
    /// Evenly, from zero.
    case linear
    /// By powers of ten.
    case logarithmic
  }

  /// Lines over an x axis.
  public static func lines(
    title: String, x xLabel: String, _ xScale: Scale, y yLabel: String, _ yScale: Scale, _ series: [Series],
    xTicks: [(Double, String)]? = nil, text: (Double) -> String
  ) -> String {
    let points = series.flatMap(\.points)
    guard let horizontal = Axis(points.map(\.x), xScale, left, width - right),
      let vertical = Axis(points.map(\.y), yScale, height - bottom, top)
    else { return "" }
    var body = frame(title, xLabel, yLabel)
    for tick in vertical.ticks {
      let y = vertical.place(tick)
      body += "<line x1='\(n(left))' x2='\(n(width - right))' y1='\(n(y))' y2='\(n(y))' class='g'/>"
      body += "<text x='\(n(left - 6))' y='\(n(y + 4))' text-anchor='end'>\(escaped(text(tick)))</text>"
    }
    for (tick, label) in xTicks ?? horizontal.ticks.map({ ($0, Figures.short($0)) }) {
      let x = horizontal.place(tick)
      guard x >= left - 1, x <= width - right + 1 else { continue }
      body += "<text x='\(n(x))' y='\(n(height - bottom + 16))' text-anchor='middle'>\(escaped(label))</text>"
    }
    for (index, line) in series.enumerated() {
      let colour = colours[index % colours.count]
      let path = line.points.map { "\(n(horizontal.place($0.x))),\(n(vertical.place($0.y)))" }.joined(separator: " ")
      body += "<polyline points='\(path)' fill='none' stroke='\(colour)' stroke-width='1.8'/>"
    }
    return wrapped(body + legend(series.map(\.name)))
  }

  /// Groups of bars, one bar for each series.
  public static func bars(
    title: String, y yLabel: String, groups: [(name: String, values: [Double?])], series: [String],
    text: (Double) -> String
  ) -> String {
    guard let vertical = Axis(groups.flatMap { $0.values.compactMap(\.self) }, .linear, height - bottom, top) else {
      return ""
    }
    var body = frame(title, "", yLabel)
    for tick in vertical.ticks {
      let y = vertical.place(tick)
      body += "<line x1='\(n(left))' x2='\(n(width - right))' y1='\(n(y))' y2='\(n(y))' class='g'/>"
      body += "<text x='\(n(left - 6))' y='\(n(y + 4))' text-anchor='end'>\(escaped(text(tick)))</text>"
    }
    let room = (width - left - right) / Double(max(1, groups.count))
    let bar = min(60, room * 0.8 / Double(max(1, series.count)))
    for (place, group) in groups.enumerated() {
      let middle = left + room * (Double(place) + 0.5)
      for (index, value) in group.values.enumerated() {
        guard let value else { continue }
        let x = middle + (Double(index) - Double(series.count) / 2) * bar
        let y = vertical.place(value)
        body += "<rect x='\(n(x))' y='\(n(y))' width='\(n(bar * 0.92))' height='\(n(max(0.5, height - bottom - y)))' "
        body +=
          "fill='\(colours[index % colours.count])'>"
          + "<title>\(escaped(series[index])): \(escaped(text(value)))</title></rect>"
        body +=
          "<text x='\(n(x + bar * 0.46))' y='\(n(y - 4))' text-anchor='middle' class='s'>\(escaped(text(value)))</text>"
      }
      body += "<text x='\(n(middle))' y='\(n(height - bottom + 16))' text-anchor='middle'>\(escaped(group.name))</text>"
    }
    return wrapped(body + legend(series))
  }

  private static func frame(_ title: String, _ xLabel: String, _ yLabel: String) -> String {
    "<text x='\(n(left))' y='18' class='t'>\(escaped(title))</text>"
      + "<text x='\(n((left + width - right) / 2))' y='\(n(height - 8))' text-anchor='middle'>\(escaped(xLabel))</text>"
      + "<text transform='translate(14 \(n(height / 2))) rotate(-90)' text-anchor='middle'>\(escaped(yLabel))</text>"
      + "<line x1='\(n(left))' x2='\(n(width - right))' "
      + "y1='\(n(height - bottom))' y2='\(n(height - bottom))' class='a'/>"
  }

  private static func legend(_ names: [String]) -> String {
    var x = width - right
    var body = ""
    for (index, name) in names.enumerated().reversed() {
      x -= Double(name.count) * 6.6 + 22
      body += "<rect x='\(n(x))' y='9' width='10' height='10' fill='\(colours[index % colours.count])'/>"
      body += "<text x='\(n(x + 14))' y='18'>\(escaped(name))</text>"
    }
    return body
  }

  private static func wrapped(_ body: String) -> String {
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 \(n(width)) \(n(height))' "
      + "width='\(n(width))' height='\(n(height))'>"
      + "<style>text{font:11px system-ui,sans-serif;fill:#57606a}.t{font-size:13px;font-weight:600}.s{font-size:9px}"
      + ".g{stroke:#8884;stroke-width:1}.a{stroke:#888;stroke-width:1}</style>\(body)</svg>\n"
  }

  private static func n(_ value: Double) -> String { Figures.fixed(value, 1) }

  static func escaped(_ text: String) -> String {
    var output = ""
    for character in text {
      switch character {
      case "&": output += "&amp;"
      case "<": output += "&lt;"
      case ">": output += "&gt;"
      case "'": output += "&#39;"
      case "\"": output += "&quot;"
      default: output.append(character)
      }
    }
    return output
  }

  /// Where values lie on a plot.
  private struct Axis {
    let low: Double
    let high: Double
    let scale: Scale
    let from: Double
    let to: Double
    var ticks: [Double] = []

    init?(_ values: [Double], _ scale: Scale, _ from: Double, _ to: Double) {
      let usable = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
      guard let most = usable.max(), let least = usable.min() else { return nil }
      (self.scale, self.from, self.to) = (scale, from, to)
      switch scale {
      case .linear:
        let step = Self.step(max(most, 1e-9) / 5)
        low = 0
        high = (max(most, 1e-9) / step).rounded(.up) * step
        var tick = 0.0
        while tick <= high * 1.0001 {
          ticks.append(tick)
          tick += step
        }
      case .logarithmic:
        var bottom = 1.0
        while bottom > least { bottom /= 10 }
        while bottom * 10 <= least { bottom *= 10 }
        var top = bottom * 10
        while top < most { top *= 10 }
        (low, high) = (bottom, top)
        var tick = bottom
        while tick <= top * 1.0001 {
          ticks.append(tick)
          tick *= 10
        }
      }
    }

    func place(_ value: Double) -> Double {
      let share =
        switch scale {
        case .linear: (value - low) / (high - low)
        case .logarithmic:
          (Logarithm.ten(max(value, low)) - Logarithm.ten(low)) / (Logarithm.ten(high) - Logarithm.ten(low))
        }
      return from + (to - from) * min(max(share, 0), 1.02)
    }

    private static func step(_ wanted: Double) -> Double {
      var power = 1.0
      while power > wanted { power /= 10 }
      while power * 10 <= wanted { power *= 10 }
      return [1, 2, 5, 10].map { $0 * power }.first { $0 >= wanted } ?? power * 10
    }
  }
}

/// Logarithms without a mathematics library, to the accuracy that a plot shows.
enum Logarithm {
  /// The decimal logarithm of a positive number.
  static func ten(_ value: Double) -> Double { natural(value) / 2.302_585_092_994_046 }

  /// The natural logarithm: the exponent as it stands, the significand by the series of the inverse hyperbolic tangent.
  static func natural(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 0 }
    let part = (value.significand - 1) / (value.significand + 1)
    var term = part
    var sum = 0.0
    for odd in stride(from: 1.0, through: 31, by: 2) {
      sum += term / odd
      term *= part * part
    }
    return Double(value.exponent) * 0.693_147_180_559_945_3 + 2 * sum
  }
}
