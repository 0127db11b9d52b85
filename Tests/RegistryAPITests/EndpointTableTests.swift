// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import Testing

@testable import GantryRegistryAPI

struct EndpointTableTests {
  @Test func everyEndpointOfTheSpecificationHasARow() {
    let present = Set(EndpointTable.rows.map(\.specificationID))
    // end-11 is the POST of end-4 with mount=.
    for number in 1...14 where number != 11 { #expect(present.contains("end-\(number)"), "end-\(number)") }
  }

  @Test func everyActionAndShapeIsReached() {
    #expect(Set(EndpointTable.rows.map(\.action)) == Set(Endpoint.Action.allCases))
    #expect(Set(EndpointTable.rows.map(\.shape)) == Set(PathShape.allCases))
  }

  @Test(arguments: [
    (PathShape.base, "GET, HEAD, OPTIONS"), (.blob, "DELETE, GET, HEAD, OPTIONS"),
    (.manifest, "DELETE, GET, HEAD, OPTIONS, PUT"), (.uploads, "OPTIONS, POST"),
    (.upload, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
  ])
  func allowListsAreSorted(_ shape: PathShape, _ allow: String) {
    #expect(EndpointTable.allow(shape) == allow)
  }

  @Test func theDocumentNamesEveryRow() throws {
    let document = try Documents.read("docs/HTTP_API.md")
    for row in EndpointTable.rows where row.method != .head {
      #expect(
        document.contains("`\(row.method.text) \(row.shape.pattern)`"), "\(row.method.text) \(row.shape.pattern)")
      if row.specificationID != "-" {
        #expect(document.contains(row.specificationID + " ") || document.contains(row.specificationID + "\n"), "\(row)")
      }
    }
  }
}
